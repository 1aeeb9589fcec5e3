# Sourced by get_python.sh and get_renpy.sh.
# unpack_debian SUITE FOLDER PACKAGE... unpacks these packages of a Debian suite, with all that they depend on, into FOLDER.
# apt gets state folders of its own, so the system's packages and sources stay as they are and no root is needed.

unpack_debian() {
  local suite=$1 folder=$2 mirror state
  shift 2
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "This is no Debian: apt-get and dpkg are needed." >&2; return 1; }
  mirror=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' | grep -v security | head -n 1)
  [ -n "$mirror" ] || { echo "apt knows no mirror: run apt-get update first." >&2; return 1; }
  state=$(mktemp -d)
  mkdir -p "$state"/{lists,archives}/partial "$folder"
  : >"$state/status" # nothing counts as installed, so every dependency is downloaded
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
  cat >"$state/apt.conf" <<CONF
Dir::State "$state"; Dir::State::status "$state/status"; Dir::Cache "$state";
Dir::Etc::sourcelist "$state/sources.list"; Dir::Etc::sourceparts "-"; APT::Sandbox::User "$(id -un)";
CONF
  if APT_CONFIG="$state/apt.conf" apt-get update -qq &&
    APT_CONFIG="$state/apt.conf" apt-get install -qq -y --download-only --no-install-recommends "$@" >/dev/null; then
    for package in "$state"/archives/*.deb; do dpkg -x "$package" "$folder" || { rm -rf "$state"; return 1; }; done
    rm -rf "$state"
  else
    rm -rf "$state"
    echo "These packages of Debian's suite $suite cannot be downloaded: $*" >&2
    return 1
  fi
}
