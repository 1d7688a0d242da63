"""A real Slurm of several nodes on this machine: private folder, private ports, up in about a second.

Debian compiles Slurm with multiple slurmd, so that nodes differ only in name and port. Needs root, and the packages
munge, slurmctld, slurmd, slurm-client and slurm-wlm-basic-plugins.
"""

import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 30.0
_DAEMONS_IN = "/usr/sbin:/usr/local/sbin"
_SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
KillWait=5
MinJobAge={min_job_age}
SlurmdTimeout=5
SlurmdParameters=config_overrides
DefMemPerCPU=500
GresTypes=gpu
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=2 RealMemory=4000 \
Gres=gpu:fake:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class MiniSlurm:
    """One cluster; `stop` ends its daemons, which also end with the process that started them."""

    def __init__(self, folder: Path, *, nodes: int = 3, gpus: int = 2, min_job_age: int = 300) -> None:
        """Write the settings of a cluster; nothing is started yet."""
        self.folder = folder
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("state", "log", "gpu", *(f"spool-{node}" for node in self.nodes)):
            (folder / name).mkdir(parents=True)
        # munged refuses a socket in a folder that others may change, and wants to be reached by everybody.
        folder.chmod(0o755)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        port = _free_ports(nodes + 1)
        settings = _SETTINGS.format(
            folder=folder,
            host=socket.gethostname().partition(".")[0],
            port=port,
            first=port + 1,
            last=port + nodes,
            nodes=nodes,
            gpus=gpus,
            min_job_age=min_job_age,
        )
        (folder / "slurm.conf").write_text(settings.lstrip(), encoding="utf-8")
        (folder / "gres.conf").write_text("".join(self._gpu(node, g) for node in self.nodes for g in range(gpus)))

    @property
    def env(self) -> dict[str, str]:
        """What clients need to find this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        """Start all daemons and wait until every node is idle."""
        folder = self.folder
        files = [f"--{name}={folder}/munge.{name.partition('-')[0]}" for name in ("key-file", "pid-file", "log-file")]
        files += [f"--socket={folder}/munge.sock", f"--seed-file={folder}/munge.seed"]
        self._daemon("munged", "--foreground", "--force", *files)
        _until(lambda: (folder / "munge.sock").exists(), "munged does not listen")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        _until(lambda: self._idle() == len(self.nodes), "the nodes do not come up")

    def start_controller(self) -> None:
        """Start slurmctld with the state it left, if any."""
        self._daemon("slurmctld", "-D", "-f", self.env["SLURM_CONF"])

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        self._daemon("slurmd", "-D", "-f", self.env["SLURM_CONF"], "-N", node, name=node)

    def end(self, name: str) -> None:
        """Stop a daemon as for an update: `slurmctld`, or a node's slurmd by the node's name."""
        daemon = self._daemons.pop(name)
        daemon.terminate()
        daemon.wait(PATIENCE_S)

    def stop(self) -> None:
        """End every job and daemon."""
        if "slurmctld" in self._daemons:
            self.client("scancel", "--user=root")
            _until(lambda: not self.jobs(), "jobs do not end")
        for name in reversed(list(self._daemons)):
            self._daemons[name].kill()
            self.end(name)

    def jobs(self) -> list[str]:
        """Id, state and name of the jobs that have not ended."""
        return self.client("squeue", "--noheader", "--format=%A %T %j").splitlines()

    def client(self, *command: str) -> str:
        """Run one of Slurm's commands on this cluster; an empty answer where it fails."""
        done = subprocess.run(command, env={**os.environ, **self.env}, capture_output=True, text=True, check=False)
        return done.stdout

    def _idle(self) -> int:
        return self.client("sinfo", "--noheader", "--Node", "--format=%T").split().count("idle")

    def _gpu(self, node: str, number: int) -> str:
        """A simulated GPU; ids are given out only for distinct device files, so each is one like /dev/null."""
        device = self.folder / "gpu" / f"{node}-{number}"
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        return f"NodeName={node} Name=gpu Type=fake File={device}\n"

    def _daemon(self, program: str, *arguments: str, name: str = "") -> None:
        path = shutil.which(program, path=f"{os.environ['PATH']}:{_DAEMONS_IN}")
        assert path is not None, f"{program} is not installed"
        with (self.folder / "log" / f"{name or program}.out").open("ab") as output:
            self._daemons[name or program] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", path, *arguments],
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def _until(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(17000 + os.getpid() % 500 * 20, 30000, count):
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    message = "no free ports"
    raise OSError(message)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
