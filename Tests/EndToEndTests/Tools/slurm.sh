#!/bin/sh
# A Slurm cluster for tests: a controller, two nodes of two processors on this machine, slurmrestd on a socket.
# usage: slurm.sh FOLDER PORT    writes FOLDER/ready when all nodes are idle; SIGTERM ends all of it by process id
set -u
folder=$1 port=$2
host=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf
mkdir -p "$folder/munge" "$folder/run" "$folder/log" "$folder/state/ctld" "$folder/state/n1" \
    "$folder/state/n2" "$folder/rest"
chmod 755 "$folder"
chmod 700 "$folder/munge"
chown nobody "$folder/rest"
end() {
    for file in "$folder"/run/*.pid; do
        [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null
    done
    sleep 1
    exit "${1:-0}"
}
trap end TERM INT
dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 2>/dev/null
chmod 400 "$folder/munge/key"
munged --force --key-file "$folder/munge/key" --socket "$folder/run/munge.sock" \
    --pid-file "$folder/run/munged.pid" --log-file "$folder/munge/log" \
    --seed-file "$folder/munge/seed" || end 1
cat > "$SLURM_CONF" <<X
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.sock
CredType=cred/munge
SlurmctldPort=$port
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
SlurmdSpoolDir=$folder/state/%n
StateSaveLocation=$folder/state/ctld
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
KillWait=2
MinJobAge=300
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
X
for node in 1 2; do
    echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + node)) CPUs=2" \
        "RealMemory=2000 State=UNKNOWN" >> "$SLURM_CONF"
done
echo "PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP" >> "$SLURM_CONF"
timeout 20 slurmctld -f "$SLURM_CONF" || end 1
for node in 1 2; do timeout 20 slurmd -N n$node -f "$SLURM_CONF" || end 1; done
runuser -u nobody -- slurmrestd -f "$SLURM_CONF" -s openapi/v0.0.38 -a rest_auth/local \
    "unix:$folder/rest/rest.sock" > "$folder/log/rest.log" 2>&1 &
echo $! > "$folder/run/slurmrestd.pid"
until [ "$(timeout 5 sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" -eq 2 ] \
    && [ -S "$folder/rest/rest.sock" ]; do
    sleep 0.1
done
touch "$folder/ready"
while :; do sleep 1; done
