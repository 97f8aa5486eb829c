#!/usr/bin/env bash
# Slurm from nothing: a controller, two nodes, slurmrestd; a coordinator, two pilots and more; in the end
# squeue lists what is left: nothing.
# usage: Tests/Clouds/slurm.sh     wants root and Debian's slurm-wlm, slurmrestd, munge
# shellcheck source=Tests/Clouds/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "wanted root"
for name in slurmctld slurmd slurmrestd munged; do
    command -v "$name" > /dev/null || skip "wanted $name"
done

listing() { SLURM_CONF=$back/slurm.conf timeout 20 squeue --noheader --format %j; }

# The folder of slurmrestd's socket belongs to another user.
chmod 755 "$folder" "$back"
# Jobs run as the user that slurmrestd runs as.
install -d -m 1777 "$folder/pilots"
begin backend sh "$tools/slurm.sh" "$back" "$((20000 + RANDOM % 10000))"
until_true 60 "Slurm has two idle nodes" test -e "$back/ready"
# shellcheck disable=SC2034
offering=one
# shellcheck disable=SC2034
provider="    use: slurm
    with:
      endpoint: unix://$back/rest/rest.sock
      sizes: { one: { cpus: 1, memory-mib: 300 } }
      most: 8
      folder: $folder/pilots
      path: $PATH
    grant: { hosts: [\"unix:$back/rest/rest.sock\"] }"
scenarios
