# Links the programs of the machine that a package consists of: $programs found in $folders, and $aliases (NEW=OLD).
PATH=/usr/bin:/bin
set -f
mkdir -p "$out/bin"

link() { # NAME PROGRAM
  local folder
  if [ -e "$out/bin/$1" ]; then return; fi
  for folder in $folders; do
    if [ -x "$folder/$2" ]; then
      # /usr/bin/awk and the like lead through /etc/alternatives, which the sandbox does not have: those are not
      # executable here, and skipped.
      ln -s "$folder/$2" "$out/bin/$1"
      return
    fi
  done
  if [ -z "$optional" ]; then
    echo "$name: this machine has no $2 in $folders; install it, or use nixpkgs (build.pkgs = \"nixpkgs\")" >&2
    exit 1
  fi
}

for program in $programs; do link "$program" "$program"; done
for alias in $aliases; do link "${alias%%=*}" "${alias#*=}"; done
