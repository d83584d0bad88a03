// Packs a tarball, any tarball: `node pack.mjs MEMBERS OUT`. MEMBERS is JSON, a list of
//
//   { name, content, mode, type, link, pax, gnu, damaged }
//
// `pax` and `gnu` put the name into a header of that kind before the member; `type` is tar's typeflag.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [file, out] = process.argv.slice(2);
const octal = (value, length) => value.toString(8).padStart(length - 1, "0") + "\0";
const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

function header({ name, mode = 0o644, type = "0", link = "", damaged = false }, size) {
  const bytes = Buffer.alloc(512);
  bytes.write(name.slice(0, 100), 0);
  bytes.write(octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(499162500, 12), 100);
  bytes.write("        " + type, 148);
  bytes.write(link, 157);
  bytes.write("ustar\0" + "00", 257);
  const sum = bytes.reduce((sum, byte) => sum + byte, 0) + (damaged ? 1 : 0);
  bytes.write(sum.toString(8).padStart(6, "0") + "\0 ", 148);
  return bytes;
}

function record(key, value) {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes;
  while (String(length).length + bytes !== length) {
    length = String(length).length + bytes;
  }
  return Buffer.from(length + rest);
}

const parts = [];
for (const member of JSON.parse(readFileSync(file, "utf8"))) {
  const content = Buffer.from(member.content ?? "");
  if (member.pax) {
    const said = record("path", member.name);
    parts.push(header({ name: "PaxHeader", type: "x" }, said.length), padded(said));
  }
  if (member.gnu) {
    const said = Buffer.from(`${member.name}\0`);
    parts.push(header({ name: "././@LongLink", type: "L" }, said.length), padded(said));
  }
  parts.push(header(member.pax || member.gnu ? { ...member, name: "package/cut-off" } : member, content.length), padded(content));
}
parts.push(Buffer.alloc(1024));
writeFileSync(out, gzipSync(Buffer.concat(parts), { level: 9 }));
