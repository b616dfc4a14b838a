/** The words of the page; a server that speaks another language puts its own into #playground[data-texts]. */
const english = {
  picture: "A picture",
  prompt: "Prompt",
  picturePrompt: "a lighthouse on a cliff at sunset",
  paint: "Paint",
  painting: "Painting…",
  words: "Streamed text",
  question: "Question",
  wordsPrompt: "Why is the sky blue? Two sentences.",
  ask: "Ask",
  stop: "Stop",
  writing: "Writing…",
  chat: "A conversation",
  message: "Message",
  send: "Send",
  again: "Try again",
  chatEmpty: "Say something. The answer appears word by word, and you can stop it.",
  you: "You",
  assistant: "Assistant",
  feed: "What others are making",
  feedEmpty: "Nothing yet. Paint a picture, and it appears here.",
  connecting: "Connecting…",
  live: "Live",
  away: "Reconnecting…",
  paused: "Paused",
  pause: "Pause",
  resume: "Go on",
  private: "Keep what I make here private",
  privateHelp: "Otherwise it is public, as with the API, and may appear below and in the gallery.",
  seed: "Seed",
  public: "Public",
  isPrivate: "Private",
  wordsEmpty: "The answer appears here, word by word.",
  pictureEmpty: "Your picture appears here.",
  wait: "Try again in {seconds} s.",
};

export type Texts = typeof english;

function told(): Partial<Texts> {
  return JSON.parse(document.getElementById("playground")?.dataset.texts ?? "{}");
}

export const texts: Texts = { ...english, ...told() };
