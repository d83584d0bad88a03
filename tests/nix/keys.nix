# What enters a unit's key, and what does not: the derivations of one graph beside those of the graph with one change.
# All of it is found out by evaluation; building the result only shows that it was.
{
  pkgs,
  # `graphFile: package`, for the graph in ./graphs/rules.
  packageOf,
}:

let
  inherit (pkgs) lib;

  graph = lib.importJSON ./graphs/rules/graph.json;
  root = graph.root;

  drvsOf =
    changed:
    lib.mapAttrs (_: unit: unit.drvPath) (
      packageOf (builtins.toFile "graph.json" (builtins.toJSON changed))
    ).units;
  before = drvsOf graph;

  # The ids of the units whose derivations differ, the new ones and the gone ones included.
  changes =
    changed:
    let
      after = drvsOf changed;
    in
    lib.filter (id: before.${id} or null != after.${id} or null) (lib.attrNames (before // after));

  updatePackage = id: change: graph // {
    packages = graph.packages // {
      ${id} = graph.packages.${id} // change;
    };
  };

  # All units above those in `ids`, by the rows: what depends on them, and what is told by their build scripts.
  above =
    ids:
    let
      names = lib.listToAttrs (
        lib.concatMap (
          id:
          let
            parts = builtins.match "([^.]*)-([0-9]+[.].*)" id;
          in
          lib.optional (parts != null && graph.packages ? ${id}) (lib.nameValuePair (lib.head parts) id)
        ) (lib.attrNames graph.units)
      );
      reference =
        edge:
        let
          parts = builtins.match "[^=]*=(.*)" edge;
          plain = if parts == null then edge else lib.head parts;
        in
        if graph.units ? ${plain} then plain else names.${plain};
      needs =
        id: row:
        map reference (row.deps or [ ])
        ++ row.dep-runs or [ ]
        ++ lib.filter (run: graph.units ? ${run}) [
          "${id}-run"
          "${lib.removeSuffix "-bins" id}-run"
        ];
      next = lib.filter (
        id: lib.elem id ids || lib.any (need: lib.elem need ids) (needs id graph.units.${id})
      ) (lib.attrNames graph.units);
    in
    if next == ids then ids else above next;

  everything = lib.attrNames before;
  bins = "${root}-bins";

  cases = {
    "what describes a package is of no account to others, nor to its own units unless they ask" = {
      change = updatePackage root { env.DESCRIPTION = "another"; };
      expected = [
        bins
        "${root}-run"
      ];
    };
    "a changed source changes the units above it, and no others" = {
      change = updatePackage "leaf-1.0.0" {
        sha256 = "1111111111111111111111111111111111111111111111111111111111111111";
      };
      expected = above [ "leaf-1.0.0" ];
    };
    "a changed source of what only build scripts need changes their outcome" = {
      change = updatePackage "generated-1.0.0" {
        sha256 = "1111111111111111111111111111111111111111111111111111111111111111";
      };
      expected = above [
        "generated-1.0.0"
        "generated-1.0.0-host"
        "generated-1.0.0-host-run"
        "generated-1.0.0-run"
      ];
    };
    "another unit beside is of no account" = {
      change = graph // {
        packages = graph.packages // {
          "words-1.2.0".sha256 = "1111111111111111111111111111111111111111111111111111111111111111";
        };
        units = graph.units // {
          "words-1.2.0" = { };
        };
      };
      # The package is built of all units that there are.
      expected = [
        bins
        "words-1.2.0"
      ];
    };
    "rows of other systems are of no account" = {
      change = graph // {
        only = [
          {
            systems = [ "riscv64-linux" ];
            units."leaf-1.0.0".features = [ "other" ];
          }
        ];
      };
      expected = [ ];
    };
    "the root's profile is the root's" = {
      change = graph // {
        profile = {
          opt-level = "z";
          strip = "symbols";
        };
      };
      expected = [
        bins
        "${root}-run"
      ];
    };
    "upstream's lto is not applied unless it is asked for" = {
      change = graph // {
        profile.lto = "fat";
      };
      expected = [ ];
    };
    "what changes the meaning of code changes it all" = {
      change = graph // {
        class.overflow-checks = true;
      };
      expected = everything;
    };
    "lto is of the target's libraries and of the programs" = {
      change = graph // {
        class.lto = "fat";
      };
      expected = lib.filter (
        id:
        !lib.hasSuffix "-run" id
        && !lib.elem id [
          "both-sides-1.0.0-host"
          "macros-1.0.0"
        ]
      ) everything
      # Without LTO, this one serves both sides.
      ++ [ "asks-later-1.0.0-run" "generated-1.0.0-host-run" ];
    };
  };

  wrong = lib.concatLists (
    lib.mapAttrsToList (
      name: { change, expected }:
      let
        found = changes change;
        sorted = builtins.sort builtins.lessThan expected;
      in
      lib.optional (
        found != sorted
      ) "${name}:\n  expected ${toString sorted}\n  found ${toString found}"
    ) cases
  );
in

if wrong == [ ] then
  pkgs.runCommand "keys-hold" { cases = lib.attrNames cases; } ''touch "$out"''
else
  throw (lib.concatStringsSep "\n" wrong)
