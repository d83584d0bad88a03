# What a check may ask of a program.
{ pkgs }:

let
  inherit (pkgs) lib;
in

{
  # Where a program's rows stand.
  placesOf =
    built:
    map (entry: entry.at) (builtins.fromJSON (builtins.unsafeDiscardStringContext built.manifest)).packages;

  # A derivation that succeeds where `program` of `built` prints exactly `expected`.
  prints =
    built: name: expected:
    pkgs.runCommand "${built.name}-prints" { inherit built expected; } ''
      said=$("$built/bin/${name}")
      if [ "$said" != "$expected" ]; then
        printf 'expected: %s\nsaid: %s\n' "$expected" "$said" >&2
        exit 1
      fi
      touch "$out"
    '';

  # A derivation that succeeds where the shell finds all `conditions` true of $built, in its tree.
  holds =
    built: conditions:
    pkgs.runCommand "${built.name}-holds" { inherit built; } (
      ''
        cd "$built"/libexec/*/
      ''
      + lib.concatMapStrings (condition: ''
        if ! ${condition}; then
          echo ${lib.escapeShellArg "does not hold: ${condition}"} >&2
          exit 1
        fi
      '') conditions
      + ''touch "$out"''
    );

  # A derivation that succeeds where `built` refers to nothing but itself and node.
  needsNodeAlone =
    built:
    pkgs.runCommand "${built.name}-needs-node-alone"
      {
        inherit built;
        inherit (pkgs) nodejs;
        exportReferencesGraph = [
          "references"
          built
        ];
      }
      ''
        if grep ^/nix references | grep -vxF -e "$built" -e "$nodejs"; then
          echo "these are needed by $built, and were not declared" >&2
          exit 1
        fi
        touch "$out"
      '';

  # A check by evaluation: the two are the same.
  same =
    name: found: expected:
    if found == expected then
      pkgs.runCommand name { } ''touch "$out"''
    else
      throw "${name}: expected ${builtins.toJSON expected}, and found ${builtins.toJSON found}";
}
