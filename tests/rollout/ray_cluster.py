"""A local Ray cluster of two nodes, run by ``test_ray_workers`` in a process of its own; prints what it found as JSON.

Ray starts servers, threads and signal handlers: in the tests' own process they would outlive the test.
"""

import json
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def main() -> None:
    from ray.cluster_utils import Cluster

    from gameil.rollout.ray_workers import RayWorkers
    from gameil.rollout.workers import Job, JobFailure, JobResult
    from tests.rollout import worker_jobs

    store = 80_000_000
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": store}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    node = cluster.add_node(num_cpus=1, object_store_memory=store)
    snapshot = Path(tempfile.mkdtemp())
    (snapshot / "text").write_text("weights")

    def gather(number: int, seconds: float = 90.0) -> dict[str, JobResult | JobFailure]:
        ended: dict[str, JobResult | JobFailure] = {}
        deadline = time.monotonic() + seconds
        while len(ended) < number and time.monotonic() < deadline:
            for each in workers.completed(1.0):
                assert each.id not in ended, f"{each.id} ended twice"
                ended[each.id] = each
        return ended

    found: dict[str, object] = {}
    with closing(RayWorkers(worker_jobs.start, 2, address=cluster.address)) as workers:
        found["alive"] = workers.alive
        workers.broadcast("abc", snapshot)
        for number in range(6):
            workers.submit(Job(f"square-{number}", number))
        workers.submit(Job("read", "read", snapshots=("abc",)))
        workers.submit(Job("refuse", "refuse"))
        ended = gather(8)
        found["values"] = {name: each.value for name, each in ended.items() if isinstance(each, JobResult)}
        found["errors"] = {name: each.kind for name, each in ended.items() if isinstance(each, JobFailure)}
        workers.submit(Job("die", "die"))
        found["dead"] = [each.kind for each in gather(1).values() if isinstance(each, JobFailure)]
        for number in range(4):
            workers.submit(Job(f"sleep-{number}", 1.0))
        workers.completed(0.2)
        cluster.remove_node(node, allow_graceful=False)
        kinds = [type(each).__name__ for each in gather(4).values()]
        found["after a node died"] = [len(kinds), "JobFailure" in kinds, "JobResult" in kinds or workers.alive >= 1]
    cluster.shutdown()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    sys.exit(main())
