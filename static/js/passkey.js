// Passkeys. Without scripts none of this is there: one signs in by password or code.
//
//   [data-passkey-login="address"]            asks for any passkey of this site and sends [data-passkey-form]
//   [data-passkey-get] / [data-passkey-make]  a form whose options lie in #passkey-options: proves, or makes, one
//
// A form's hidden field `credential` receives the answer as JSON.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  buffer === null || buffer === undefined
    ? undefined
    : btoa(String.fromCharCode(...new Uint8Array(buffer)))
        .replace(/\+/g, "-")
        .replace(/\//g, "_")
        .replace(/=+$/, "");

function options({ publicKey }) {
  const read = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (read.user) read.user = { ...read.user, id: bytes(read.user.id) };
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    if (read[name]) read[name] = read[name].map((each) => ({ ...each, id: bytes(each.id) }));
  }
  return { publicKey: read };
}

function json(credential) {
  const { response } = credential;
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: text(response.userHandle),
      transports: response.getTransports?.(),
    },
  });
}

async function guarded(button, work) {
  const shown = document.querySelector("[data-passkey-error]");
  shown.hidden = true;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } catch {
    shown.textContent = button.dataset.failed;
    shown.hidden = false;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function send(form, credential) {
  form.elements.credential.value = json(credential);
  form.submit();
}

const login = document.querySelector("[data-passkey-login]");
login?.addEventListener("click", () =>
  guarded(login, async () => {
    const answer = await fetch(login.dataset.passkeyLogin, { headers: { Accept: "application/json" } });
    const { request_options: asked } = await answer.json();
    send(document.querySelector("[data-passkey-form]"), await navigator.credentials.get(options(asked)));
  }),
);

const form = document.querySelector("[data-passkey-get], [data-passkey-make]");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = JSON.parse(document.querySelector("#passkey-options").textContent);
  const makes = "passkeyMake" in form.dataset;
  const read = options(asked.creation_options ?? asked.request_options);
  if (makes && form.elements.passwordless?.checked) {
    read.publicKey.authenticatorSelection = {
      ...read.publicKey.authenticatorSelection,
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    };
  }
  guarded(form.querySelector("[data-failed]"), async () => {
    const found = makes ? await navigator.credentials.create(read) : await navigator.credentials.get(read);
    send(form, found);
  });
});
