#!/bin/sh
# Turns a plain Debian into a lab host. Runs once, while the image is built.
set -eu

here=/usr/local/lib/lab-llm
missing=
while read -r package; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
    || missing="$missing $package"
done < "$here/packages.txt"
if [ -n "$missing" ]; then
  apt-get -qq update
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing
  apt-get clean
fi

# Who Ansible is on the host; the key arrives when a host starts.
useradd --create-home --shell /bin/bash admin
printf 'admin ALL=(ALL) NOPASSWD:ALL\n' > /etc/sudoers.d/admin
chmod 0440 /etc/sudoers.d/admin
# Without lingering, admin's systemd stops after each last session; under cgroup v1 that stop takes
# its whole time-out of two minutes now and then, and every login waits for it.
mkdir -p /var/lib/systemd/linger
touch /var/lib/systemd/linger/admin
mkdir -p /etc/ssh/authorized_keys.d /etc/ssh/sshd_config.d
cat > /etc/ssh/sshd_config.d/lab.conf <<'CONF'
AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
PermitRootLogin no
UseDNS no
MaxSessions 30
MaxStartups 60
CONF
# Every lab has its own host keys, so an image has none.
rm -f /etc/ssh/ssh_host_*

mkdir -p /var/log/journal            # journalctl --user reads only a persistent journal
install -d -m 1777 /var/cache/lab-pip  # the pip cache that all hosts share
: > /etc/machine-id                  # every host makes its own

# What a container has no use for, and what would start by itself and disturb a measurement.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  fstrim.timer man-db.timer getty.target console-getty.service systemd-networkd.service \
  systemd-resolved.service systemd-timesyncd.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
systemctl enable ssh.service
