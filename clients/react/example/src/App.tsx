import { useState } from "react";
import { Conversation } from "./Conversation.js";
import { Gallery } from "./Gallery.js";
import { Painter } from "./Painter.js";
import { texts } from "./texts.js";
import { Writer } from "./Writer.js";

export function App() {
  const [isPrivate, setPrivate] = useState(false);
  return (
    <div className="playground">
      <div className="check">
        <input id="private" type="checkbox" checked={isPrivate} onChange={(event) => setPrivate(event.target.checked)} />
        <label htmlFor="private">{texts.private}</label>
        <p className="help">{texts.privateHelp}</p>
      </div>
      <Painter isPrivate={isPrivate} />
      <Writer isPrivate={isPrivate} />
      <Conversation isPrivate={isPrivate} />
      <Gallery />
    </div>
  );
}
