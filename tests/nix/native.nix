# What crates are given beyond Rust: by native.json, by the package set's `defaultCrateOverrides`, by the configuration and by
# overrides, as far as evaluation shows it. Building the result only shows that it was.
{
  # hostpkgs with the overlay, and the folder of each.
  pkgs,
  hostpkgs,
  overlay,
}:

let
  inherit (pkgs) lib;

  named = name: pkgs.writeText name name;
  # As nixpkgs has them: several outputs, and the one to compile with is not the first.
  withDev = name: named name // { dev = named "${name}-dev"; };

  # A package set that holds all that it has by name, as nixpkgs does.
  complete = pkgs.extend (
    final: _: {
      machineHasTheRest = false;
      openssl = withDev "openssl";
      sqlite = withDev "sqlite";
      libusb1 = named "libusb1";
      udev = named "udev";
      alsa-lib = named "alsa-lib";
      gst_all_1.gstreamer = named "gstreamer";
      rustPlatform.bindgenHook = named "bindgen-hook";
    }
  );

  # A program that needs one crate with these features, and that crate's build script `bindgen`.
  packageOf =
    set: crate: features: more:
    set.nixwright.buildCargoPackage (
      {
        directory = ./graphs/greet;
        graphFile = builtins.toFile "graph.json" (
          builtins.toJSON {
            schema = 1;
            root = "user-1.0.0";
            systems = [ pkgs.system ];
            packages = {
              "user-1.0.0".sha256 = "";
              "${crate}-1.0.0" = {
                sha256 = "";
                links = "it";
              };
              "bindgen-1.0.0".sha256 = "";
            };
            units = {
              "user-1.0.0-bins" = {
                deps = [ crate ];
                bins.user = "src/main.rs";
              };
              "${crate}-1.0.0" = { inherit features; };
              "${crate}-1.0.0-run".deps = [ "bindgen" ];
              "bindgen-1.0.0" = { };
            };
          }
        );
        pname = "user";
        version = "1.0.0";
      }
      // more
    );

  runOf =
    set: crate: features: more:
    (packageOf set crate features more).units."${crate}-1.0.0-run";

  # What the build script of the crate is given, by name.
  givenWith =
    set: crate: features: more:
    let
      run = runOf set crate features more;
    in
    map (input: input.name) (
      run.buildInputs
      ++ lib.filter (input: !(lib.elem input.name [ "rustc" "cargo" ])) run.nativeBuildInputs
    );
  given = set: crate: features: givenWith set crate features { };

  said = complete.extend (
    final: _: {
      defaultCrateOverrides.alsa-sys = _: { buildInputs = [ final.sqlite ]; };
    }
  );

  cases = {
    "a crate's own library, in the output that it is compiled with" = {
      found = given complete "openssl-sys" [ ];
      expected = [ "openssl-dev" "bindgen-hook" ];
    };
    "nothing for one that compiles its own copy, as its feature says" = {
      found = given complete "openssl-sys" [ "vendored" ];
      expected = [ "bindgen-hook" ];
    };
    "what a feature brings" = {
      found = given complete "libsqlite3-sys" [ "bundled" "bundled-sqlcipher" ];
      expected = [ "openssl-dev" "bindgen-hook" ];
    };
    "several rules of one crate" = {
      found = given complete "hidapi" [ "linux-static-hidraw" "linux-static-libusb" ];
      expected = [ "udev" "libusb1" "bindgen-hook" ];
    };
    "an attribute within another" = {
      found = given complete "gstreamer-sys" [ ];
      expected = [ "gstreamer" "bindgen-hook" ];
    };
    "nothing for a crate that nobody knows" = {
      found = given complete "unheard-of-sys" [ ];
      expected = [ "bindgen-hook" ];
    };
    "a set of the machine's own files has what it does not name" = {
      found = given pkgs "foundationdb-sys" [ ];
      expected = [ ];
    };
    "and the libraries that it names" = {
      found = given pkgs "openssl-sys" [ ];
      expected = [ "openssl" ];
    };
    "the package set's word takes the place of the table's" = {
      found = given said "alsa-sys" [ ];
      expected = [ "sqlite-dev" "bindgen-hook" ];
    };
    "the configuration's word takes the place of both" = {
      found = givenWith said "alsa-sys" [ ] {
        native.alsa-sys = {
          buildInputs = [ "gst_all_1.gstreamer" ];
          nativeBuildInputs = [ "udev" ];
        };
      };
      expected = [ "gstreamer" "bindgen-hook" "udev" ];
    };
    "the configuration can say that nothing is needed" = {
      found = givenWith complete "openssl-sys" [ ] { native.openssl-sys = { }; };
      expected = [ "bindgen-hook" ];
    };
    "overrides add to it" = {
      found = givenWith complete "openssl-sys" [ ] {
        overrides.crates.openssl-sys.buildInputs = [ complete.sqlite ];
      };
      expected = [ "openssl-dev" "sqlite-dev" "bindgen-hook" ];
    };
    "variables reach the crate's script" = {
      found = [
        (runOf complete "openssl-sys" [ ] { native.openssl-sys.env.OPENSSL_STATIC = "1"; }).OPENSSL_STATIC
      ];
      expected = [ "1" ];
    };
    "cargo is given the same" = {
      found = map (input: input.name) (
        (packageOf complete "openssl-sys" [ ] { strategy = "vendored"; }).buildInputs
      );
      expected = [ "openssl-dev" ];
    };
    "what is missing hurts no package that does not need it" = {
      found = given complete "libduckdb-sys" [ "bundled" ];
      expected = [ "bindgen-hook" ];
    };
  };

  # What pkg-config would find on a machine that has these.
  described =
    name: requires:
    pkgs.runCommand "${name}-described" { inherit requires; } ''
      mkdir "$out"
      printf 'Name: ${name}\nDescription: a C library\nVersion: 1.0\nRequires.private: %s\n' "$requires" > "$out/${name}.pc"
    '';
  searched = map toString [
    (described "thing" "needed >= 0.5")
    (described "needed" "")
    (described "not-asked-for" "")
  ];

  # A library that hostpkgs names, and nobody asks for by that name, is a slip.
  libraries = removeAttrs (import (hostpkgs + "/libraries.nix") { toolchain = { }; } pkgs pkgs) [
    "machineLibrary"
  ];
  paths = lib.concatMap (
    name:
    if lib.isDerivation libraries.${name} then
      [ name ]
    else
      map (inner: "${name}.${inner}") (lib.attrNames libraries.${name})
  ) (lib.attrNames libraries);
  asked = lib.concatMap (rule: rule.buildInputs or [ ]) (
    lib.concatLists (lib.attrValues (lib.importJSON (overlay + "/lib/cargo/native.json")).crates)
  );
  slips = lib.subtractLists asked paths;

  failures = lib.filter (name: cases.${name}.found != cases.${name}.expected) (lib.attrNames cases);
  report = lib.concatMapStringsSep "\n" (
    name: "${name}: ${builtins.toJSON cases.${name}.found}, not ${builtins.toJSON cases.${name}.expected}"
  ) failures;
in

{
  check = lib.throwIf (slips != [ ]) "no crate asks for ${toString slips}" (
    lib.throwIf (failures != [ ]) report (pkgs.writeText "native" "${toString (lib.attrNames cases)}")
  );

  # What is asked for, and what that requires, where the machine has it.
  library = pkgs.machineLibrary {
    name = "thing";
    modules = [ "thing" "thing-more" ];
    inherit searched;
  };
  failing.library = pkgs.machineLibrary {
    name = "thing";
    modules = [ "thing-more" "thing" ];
    inherit searched;
  };

  # What does not evaluate; the words that it says are in tests/tests/builders.rs.
  refused = lib.mapAttrs (_: given: pkgs.writeText "given" (toString given)) {
    absent = given complete "libduckdb-sys" [ ];
    absent-tool = givenWith complete "gtk-sys" [ ] { native.gtk-sys.nativeBuildInputs = [ "no.such" ]; };
    native-key = givenWith complete "gtk-sys" [ ] { native.gtk-sys.inputs = [ ]; };
  };
}
