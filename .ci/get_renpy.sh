#!/usr/bin/env bash
# get_renpy.sh FOLDER: puts Debian 13's Ren'Py 8.3.4 (on Python 3.13) into FOLDER and prints the folder of its SDK, for RENPY.
# It has its own C library, Python and OpenGL: a download of about 180 MB, and 560 MB on the disk. FOLDER cannot be moved later.
set -euo pipefail
. "$(dirname "$0")/unpack_debian.sh"
folder=$(mkdir -p "${1:?Give a folder.}" && cd "$1" && pwd)
sdk=$folder/sdk

works() { "$sdk/renpy.sh" --version >/dev/null 2>&1; }

write_python() { # Python on its own C library, without PYTHONHOME, which each program that the game starts would inherit
  local usr=$folder/usr libraries=$folder/usr/lib/x86_64-linux-gnu
  cat >"$folder/python" <<PYTHON
#!/bin/sh
export LIBGL_DRIVERS_PATH=$libraries/dri __EGL_VENDOR_LIBRARY_DIRS=$usr/share/glvnd/egl_vendor.d
exec $usr/lib64/ld-linux-x86-64.so.2 --argv0 $usr/bin/python3.13 \\
  --library-path $libraries:$libraries/pulseaudio:$libraries/blas:$libraries/lapack $usr/bin/python3.13 "\$@"
PYTHON
  chmod +x "$folder/python"
}

write_sdk() { # one folder, as in the official SDK; Debian splits it, and renpy.py names Debian's folder
  cp -aL "$folder/usr/share/games/renpy" "$sdk"
  cp -a "$folder/usr/lib/python3/dist-packages/renpy/." "$sdk/renpy/"
  sed -i -e 's#renpy_base = "/usr/share/games/renpy"#renpy_base = os.path.dirname(os.path.abspath(__file__))#' \
    -e 's#gamedir.startswith("/usr/share/games/renpy")#False#' "$sdk/renpy.py"
  printf '#!/bin/sh\nexec %s/python %s/renpy.py "$@"\n' "$folder" "$sdk" >"$sdk/renpy.sh"
  chmod +x "$sdk/renpy.sh"
}

if ! works; then
  [ "$(uname -m)" = x86_64 ] || { echo "This script serves x86_64 only." >&2; exit 1; }
  rm -rf "$folder"
  unpack_debian trixie "$folder" renpy libgl1-mesa-dri libegl1 libgl1 libgles2 libegl-mesa0 libglx-mesa0 >&2
  write_python
  write_sdk
  works || { echo "Debian 13's Ren'Py does not run here." >&2; exit 1; }
fi
echo "$sdk"
