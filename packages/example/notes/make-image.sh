#!/bin/sh
# The recipe of disk.img.gz: a small ext2 image with some notes, made by mke2fs (e2fsprogs) from scratch, the same bytes each time.
#
# Usage: ./make-image.sh   writes disk.img.gz beside itself
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=$PATH:/usr/sbin:/sbin
export E2FSPROGS_FAKE_TIME=1764000000

mkdir -p "$work/root/notes/2025" "$work/root/notes/drafts"
cat > "$work/root/notes/welcome.md" <<'NOTE'
# Welcome

These notes live in an ext2 image that mke2fs made. Whoever reads them here does so through a rump kernel:
no mount, no root, no emulator.
NOTE
cat > "$work/root/notes/2025/anykernel.md" <<'NOTE'
# Anykernel

Drivers are ordinary code. What they need of a kernel is small, so it can be anywhere:
in a program, in a test, in a page.
NOTE
cat > "$work/root/notes/2025/grüße.md" <<'NOTE'
# Grüße

Names are bytes, and text is UTF-8: Ελληνικά, 日本語, 🚀.
NOTE
cat > "$work/root/notes/drafts/shopping.md" <<'NOTE'
# Shopping

- bread
- milk
NOTE
ln -s 2025/anykernel.md "$work/root/notes/start-here.md"
chmod 0640 "$work/root/notes/drafts/shopping.md"
find "$work/root" -exec touch -h -d @1764000000 {} +

mke2fs -q -t ext2 -b 1024 -N 128 -L notes -U 6e6f7465-732d-4000-8000-616e796b6572 -E "root_owner=0:0,hash_seed=6e6f7465-732d-4000-8000-000000000000" \
  -d "$work/root" "$work/disk.img" 2M
gzip -9 -n -c "$work/disk.img" > "$here/disk.img.gz"
ls -l "$here/disk.img.gz"
