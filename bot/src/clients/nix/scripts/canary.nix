# Two derivations that succeed only where builds are isolated. `nonce` makes them new, so that they are really built: the
# output of the fixed one depends on nothing but its name and hash.
{
  system,
  script,
  nonce,
  port,
  hidden,
  shown,
  root,
}:
let
  canary =
    name: more:
    derivation (
      {
        name = "nixwright-canary-${name}-${nonce}";
        inherit
          system
          nonce
          port
          hidden
          shown
          root
          ;
        builder = "/bin/sh";
        args = [
          "-c"
          script
        ];
        PATH = "/usr/bin:/bin";
      }
      // more
    );
in
{
  plain = canary "plain" { };
  # Nix lets a fixed-output build have the network.
  fixed = canary "fixed" {
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "isolated";
  };
}
