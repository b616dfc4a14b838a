// All of the package together, as the bundler of an app that uses every hook has it, packed by gzip: at most 6 kB.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 6_000; // bytes
const folder = new URL("../dist/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
const whole = gzipSync(Buffer.concat(names.map((name) => readFileSync(new URL(name, folder)))), { level: 9 }).length;
console.log(`${names.join(" + ")}: ${whole} of ${LIMIT} bytes, gzip`);
if (!names.length || whole > LIMIT) process.exit(1);
