#!/usr/bin/env bash
# get_python.sh VERSION FOLDER: puts Debian's CPython VERSION (such as 3.14) into FOLDER and prints the path of its interpreter.
# A newer Debian needs a newer C library, so the interpreter gets that library's loader. FOLDER cannot be moved later.
set -euo pipefail
. "$(dirname "$0")/unpack_debian.sh"
version=${1:?Give a version, such as 3.14.}
folder=$(mkdir -p "${2:?Give a folder.}" && cd "$2" && pwd)
python=$folder/usr/bin/python$version

works() { "$python" -c 'import ctypes, ensurepip, sqlite3, ssl, venv' 2>/dev/null; }

if ! works; then
  [ "$(uname -m)" = x86_64 ] || { echo "This script serves x86_64 only." >&2; exit 1; }
  command -v patchelf >/dev/null || { echo "patchelf is needed: apt-get install patchelf" >&2; exit 1; }
  rm -rf "$folder"
  unpack_debian sid "$folder" "python$version" "python$version-venv" libc6 >&2
  libraries=$folder/usr/lib/x86_64-linux-gnu
  loader=$(find "$folder" -name ld-linux-x86-64.so.2 -type f | head -n 1)
  patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$python"
  # `venv` installs the pip that Debian keeps in a folder of the system's.
  grep -rlZ /usr/share/python-wheels "$folder/usr/lib/python$version" --include='*.py' |
    xargs -0r sed -i "s#/usr/share/python-wheels#$folder/usr/share/python-wheels#g"
  works || { echo "Debian's Python $version does not run here." >&2; exit 1; }
fi
echo "$python"
