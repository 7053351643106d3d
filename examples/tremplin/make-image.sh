#!/bin/sh
# Makes an image out of this machine's busybox (a static one, of Debian's package busybox-static), for trying tremplin without any image
# server: rootfs.tar and metadata.tar in the folder given, or in /tmp/tremplin-example.
set -eu
dir=${1:-/tmp/tremplin-example}
mkdir -p "$dir"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir bin dev etc home mnt proc root run sbin sys tmp usr var
cp "$(command -v busybox)" bin/busybox
for applet in $(bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "bin/$applet"
done
# LXC asks a container to end by SIGPWR.
cat > sbin/init <<'END'
#!/bin/sh
export PATH=/bin:/sbin
trap 'exit 0' PWR TERM INT
udhcpc -i eth0 -n -q -s /etc/udhcpc.sh >/dev/null 2>&1 &
while :; do sleep 3600 & wait $!; done
END
cat > etc/udhcpc.sh <<'END'
#!/bin/sh
case $1 in
  deconfig) ip link set "$interface" up ;;
  bound|renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    [ -z "${router:-}" ] || ip route add default via "$router" ;;
esac
END
chmod 755 sbin/init etc/udhcpc.sh
echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
echo 'root:*:19000:0:99999:7:::' > etc/shadow
echo 'root:x:0:' > etc/group
echo 'root:*::' > etc/gshadow
printf 'PRETTY_NAME="Busybox"\nNAME=Busybox\nVERSION_ID=1\nID=busybox\n' > etc/os-release
tar --owner=0 --group=0 --numeric-owner -cf "$dir/rootfs.tar" .
rm -r ./*
printf 'architecture: %s\ncreation_date: 1\n' "$(uname -m)" > metadata.yaml
tar --owner=0 --group=0 --numeric-owner -cf "$dir/metadata.tar" metadata.yaml
echo "$dir/rootfs.tar $dir/metadata.tar"
