/** Another one each time, so that asking the same again makes something new. */
export const newSeed = () => Math.floor(Math.random() * 1_000_000);
