# The packages of the checks, by file name of their tarball: a list of members, as pack.mjs takes them.
let
  inherit (builtins) attrNames readFile toJSON;

  file = name: content: { inherit name content; };
  manifest = value: file "package/package.json" (toJSON value);
  # A package of a manifest and some files.
  package =
    value: files:
    [ (manifest value) ] ++ map (name: file "package/${name}" files.${name}) (attrNames files);

  library =
    name: version: value:
    package { inherit name version; } { "index.js" = "module.exports = ${toJSON value};\n"; };

  addon = {
    "adder.c" = readFile ./addon/adder.c;
    "include/place.h" = readFile ./addon/place.h;
    "binding.gyp" = readFile ./addon/binding.gyp;
    "index.js" = "module.exports = require(\"./build/Release/adder.node\");\n";
  };

  download = address: after: ''
    require("node:https").get("${address}", (answer) => {
      answer.pipe(require("node:fs").createWriteStream("program", { mode: 0o755 }));
    }).on("error", (error) => { ${after} });
  '';
in

{
  "leaf-1.0.0.tgz" = library "leaf" "1.0.0" 1;
  "leaf-2.0.0.tgz" = library "leaf" "2.0.0" 2;
  "acme-scoped-1.0.0.tgz" = library "@acme/scoped" "1.0.0" "scoped";

  # One dependency beside it, one in it, one by another name, one bundled.
  "layout-1.0.0.tgz" = package { name = "layout"; version = "1.0.0"; } {
    "bin/layout.js" = "#!/usr/bin/env node\r\n" + ''
      const seen = ["leaf", "mid", "@acme/scoped", "other-leaf", "bundler"].map((name) => require(name));
      console.log([...seen, process.execPath.length > 0].join(" "));
    '';
    "bin/split.js" = "#!/usr/bin/env -S node --no-warnings --stack-size=900\nconsole.log(process.execArgv.join(' '));\n";
    "bin/shell" = "#!/bin/sh\necho shell\n";
    "bin/plain.js" = "console.log('no interpreter');\n";
  };
  "mid-1.0.0.tgz" = package { name = "mid"; version = "1.0.0"; } {
    "index.js" = "module.exports = `mid with leaf ` + require('leaf');\n";
    "same.js" = "#!/usr/bin/env node\nconsole.log('of mid');\n";
  };
  "bundler-1.0.0.tgz" = package { name = "bundler"; version = "1.0.0"; } {
    "index.js" = "module.exports = `bundler with ` + require('inner');\n";
    "node_modules/inner/package.json" = toJSON { name = "inner"; version = "0.1.0"; };
    "node_modules/inner/index.js" = "module.exports = 'inner';\n";
    "node_modules/inner/tool.js" = "#!/usr/bin/env node\nconsole.log('tool of inner');\n";
  };

  # Whatever stands in tarballs of honest people.
  "odd-1.0.0.tgz" =
    let
      member = name: mode: { inherit name mode; content = name; };
      deep = name: "odd-folder/${builtins.concatStringsSep "/" (builtins.genList (_: name) 12)}";
    in
    [
      { name = "odd-folder/"; type = "5"; mode = 493; }
      {
        name = "odd-folder/package.json";
        content = toJSON { name = "odd"; version = "1.0.0"; };
      }
      (member "odd-folder/mode-0604" 388)
      (member "odd-folder/mode-0640" 416)
      (member "odd-folder/mode-0666" 438)
      (member "odd-folder/mode-0777" 511)
      (member "odd-folder/mode-4755" 2541)
      (member "odd-folder/mode-0100" 64)
      (member "another/folder" 420)
      (member "./odd-folder/dotted" 420)
      (file "odd-folder/.gitignore" "becomes .npmignore")
      (file "odd-folder/has/.npmignore" "stays")
      (file "odd-folder/has/.gitignore" "goes")
      (file "odd-folder/twice" "first")
      (file "odd-folder/twice" "second")
      { name = "odd-folder/empty"; type = "5"; mode = 493; }
      { name = "odd-folder/to-passwd"; type = "2"; link = "/etc/passwd"; }
      { name = "odd-folder/hard"; type = "1"; link = "odd-folder/twice"; }
      { name = "odd-folder/device"; type = "3"; }
      { name = deep "long-name-by-pax"; content = "pax"; pax = true; }
      { name = deep "long-name-by-gnu"; content = "gnu"; gnu = true; }
      { name = "odd-folder/ümlaut"; content = "utf-8"; pax = true; }
    ];

  # And of others.
  "up-1.0.0.tgz" = [ (file "package/../../../escaped" "x") ];
  "absolute-1.0.0.tgz" = [ (file "/package/escaped" "x") ];
  "by-pax-1.0.0.tgz" = [ { name = "package/a/../../../../escaped"; content = "x"; pax = true; } ];
  "damaged-1.0.0.tgz" = [ { name = "package/a"; content = "x"; damaged = true; } ];
  "file-as-folder-1.0.0.tgz" = [
    (file "package/a" "x")
    (file "package/a/b" "x")
  ];
  # A link that a later member would write through, if it were made.
  "through-link-1.0.0.tgz" = [
    (manifest { name = "through-link"; version = "1.0.0"; })
    { name = "package/out"; type = "2"; link = "/"; }
    (file "package/out/escaped" "written into a plain folder")
  ];

  # Compiled by node-gyp, as it says nothing of how it is installed.
  "adder-1.0.0.tgz" = package { name = "adder"; version = "1.0.0"; } addon;
  "uses-adder-1.0.0.tgz" = package { name = "uses-adder"; version = "1.0.0"; } {
    "cli.js" = "#!/usr/bin/env node\nconst adder = require('adder');\nconsole.log(adder.add(1, 2), adder.place());\n";
  };
  # Has a binding.gyp and does not want it compiled.
  "no-gyp-1.0.0.tgz" = package {
    name = "no-gyp";
    version = "1.0.0";
    gypfile = false;
    scripts.postinstall = "echo compiled: $(ls build 2>&1) > note";
  } addon;

  # Everything that scripts rely on.
  "scripted-1.0.0.tgz" = package {
    name = "scripted";
    version = "1.0.0";
    config.colour = "blue";
    scripts = {
      preinstall = "echo preinstall > order; test ! -e ../.bin/helper";
      install = "echo install >> order; npx --no helper written-by-helper";
      postinstall = "echo postinstall >> order && npm run extra -- \"two words\"";
      preextra = "echo preextra >> order";
      extra = "node extra.js";
    };
  } {
    "extra.js" = ''
      const { appendFileSync, rmSync, writeFileSync, symlinkSync } = require("node:fs");
      appendFileSync("order", `extra ''${process.argv[2]}\n`);
      rmSync("goes");
      symlinkSync("order", "link-to-order");
      symlinkSync("/etc/passwd", "link-out");
      const names = ["npm_lifecycle_event", "npm_package_name", "npm_package_version", "npm_package_config_colour", "TOLD"];
      writeFileSync("environment", names.map((name) => `''${name}=''${process.env[name]}`).join("\n"));
      writeFileSync("home", require("node:os").homedir());
      writeFileSync(require("node:path").join(require("node:os").homedir(), "writable"), "");
    '';
    "goes" = "";
    "index.js" = "module.exports = require('node:fs').readFileSync(__dirname + '/order', 'utf8');\n";
  };
  "helper-1.0.0.tgz" = package { name = "helper"; version = "1.0.0"; } {
    "cli.js" = "#!/usr/bin/env node\nrequire('node:fs').writeFileSync(process.argv[2], require('needed'));\n";
  };
  # Its own script makes what it consists of.
  "needed-1.0.0.tgz" = package {
    name = "needed";
    version = "1.0.0";
    scripts.install = "echo 'module.exports = \"made by a script\"' > index.js";
  } { };
  # Two whose scripts want each other.
  "chicken-1.0.0.tgz" = package {
    name = "chicken";
    version = "1.0.0";
    scripts.install = "node -p 'require(\"egg/package.json\").name' > note";
  } { };
  "egg-1.0.0.tgz" = package {
    name = "egg";
    version = "1.0.0";
    scripts.install = "node -p 'require(\"chicken/package.json\").name' > note";
  } { };

  # Those that want something of the network: one says so, one does not, one compiles instead, one only tells on people.
  "loud-1.0.0.tgz" = package {
    name = "loud";
    version = "1.0.0";
    scripts.postinstall = "node install.mjs";
  } {
    "install.mjs" = ''
      import { writeFileSync } from "node:fs";
      const answer = await fetch("https://downloads.example/loud/1.0/program?for=linux");
      writeFileSync("program", Buffer.from(await answer.arrayBuffer()), { mode: 0o755 });
    '';
  };
  "quiet-1.0.0.tgz" = package {
    name = "quiet";
    version = "1.0.0";
    scripts.install = "node install.js";
  } { "install.js" = download "https://downloads.example/quiet-1.0" "console.log('never mind')"; };
  "by-socket-1.0.0.tgz" = package {
    name = "by-socket";
    version = "1.0.0";
    scripts.install = "node install.js";
  } {
    "install.js" = "require('node:net').connect(443, 'sockets.example').on('error', () => process.exit(3));\n";
  };
  "compiles-1.0.0.tgz" = package {
    name = "compiles";
    version = "1.0.0";
    scripts.install = "node install.js || node-gyp rebuild";
  } (addon // { "install.js" = download "https://downloads.example/compiles.node" "process.exit(1)"; });
  "telling-1.0.0.tgz" = package {
    name = "telling";
    version = "1.0.0";
    scripts.postinstall = "node tell.js";
  } {
    "tell.js" = ''
      const told = require("node:https").request({ host: "tell.example", method: "POST" });
      told.on("error", () => {});
      told.end("installed");
    '';
  };
  "breaks-1.0.0.tgz" = package {
    name = "breaks";
    version = "1.0.0";
    scripts.install = "exit 7";
  } { };
  "may-break-1.0.0.tgz" = package { name = "may-break"; version = "1.0.0"; } {
    "cli.js" = ''
      #!/usr/bin/env node
      try { require.resolve("breaks/package.json"); console.log("there"); } catch { console.log("left out"); }
    '';
  };

  # A part for each platform.
  "fast-1.0.0.tgz" = package { name = "fast"; version = "1.0.0"; } {
    "cli.js" = ''
      #!/usr/bin/env node
      console.log(["this", "other", "musl", "none"].filter((name) => {
        try { return require.resolve(`@fast/''${name}`); } catch { return false; }
      }).join(" "));
    '';
  };
  "fast-this-1.0.0.tgz" = library "@fast/this" "1.0.0" "this";
  "fast-other-1.0.0.tgz" = library "@fast/other" "1.0.0" "other";
  "fast-musl-1.0.0.tgz" = library "@fast/musl" "1.0.0" "musl";

  "maker-1.0.0.tgz" = package { name = "maker"; version = "1.0.0"; } {
    "cli.js" = ''
      #!/usr/bin/env node
      const fs = require("node:fs");
      fs.mkdirSync("dist");
      fs.writeFileSync("dist/cli.js", fs.readFileSync("src/cli.js", "utf8").replace("MAKER", "made by maker"));
    '';
  };

  "git-user-1.0.0.tgz" = package { name = "git-user"; version = "1.0.0"; } {
    "cli.js" = "#!/usr/bin/env node\nconsole.log(require('from-git'));\n";
  };
}
