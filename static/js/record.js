// A recording by the microphone becomes the file of the form. The microphone is asked for only when the button is pressed.
import { announce } from "./announce.js";

const box = document.querySelector("[data-recorder]");
const input = box.querySelector("input[type=file]");
const button = box.querySelector("[data-record]");
const label = button.querySelector("span");
const elapsed = box.querySelector("[data-elapsed]");
const refused = box.querySelector("[data-refused]");
const heard = box.querySelector("[data-heard]");
const words = label.textContent;
const LONGEST = 30 * 60; // seconds: what the engine takes
let recorder;

function keep(parts, type) {
  const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
  const chosen = new DataTransfer();
  chosen.items.add(new File(parts, `recording.${ending}`, { type }));
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function listen() {
  if (heard.src) URL.revokeObjectURL(heard.src);
  heard.hidden = !input.files.length;
  if (input.files.length) heard.src = URL.createObjectURL(input.files[0]);
}

async function record() {
  refused.hidden = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    refused.textContent = refused.dataset.refused;
    refused.hidden = false;
    return;
  }
  const parts = [];
  const began = Date.now();
  recorder = new MediaRecorder(stream);
  const clock = setInterval(() => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    elapsed.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds >= LONGEST) recorder.stop();
  }, 500);
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  recorder.addEventListener("stop", () => {
    clearInterval(clock);
    for (const track of stream.getTracks()) track.stop();
    keep(parts, recorder.mimeType.split(";")[0]);
    recorder = undefined;
    label.textContent = words;
    elapsed.hidden = true;
  });
  recorder.start(1000);
  elapsed.textContent = "0:00";
  elapsed.hidden = false;
  label.textContent = button.dataset.stop;
  announce(button.dataset.stop);
}

button.addEventListener("click", () => (recorder ? recorder.stop() : record()));
input.addEventListener("change", listen);
