"""What is asked of RunPod: https://docs.runpod.io/api-reference/pods/POST/pods."""

import time

from pydantic import JsonValue

from vlmbench_runpod.link import Keys
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_runpod.scripts import START
from vlmbench_sdk import Launch


def pod_order(options: RunPodOptions, launch: Launch, name: str, keys: Keys) -> dict[str, JsonValue]:
    """The body of the request that rents the pod."""
    env: dict[str, JsonValue] = {
        "VLMBENCH_PUBLIC_KEY": keys.public,
        "VLMBENCH_HOST_KEY": keys.host_private,
        "VLMBENCH_API": options.api_url,
        "VLMBENCH_ENDS_AT": str(int(time.time() + options.max_hours * 3600)),
        "VLMBENCH_SILENCE_S": str(options.silence_s),
    }
    body: dict[str, JsonValue] = {
        "name": name,
        "imageName": options.image,
        "cloudType": options.cloud,
        "containerDiskInGb": options.disk_gb,
        "volumeInGb": 0,
        "ports": ["22/tcp"],
        "env": env,
        # The entrypoint as well: that of an inference image would take our start for its own arguments.
        "dockerEntrypoint": ["bash", "-c"],
        "dockerStartCmd": [START],
        "interruptible": options.interruptible,
        "supportPublicIp": True,
    }
    if options.gpu_types:
        body |= {
            "computeType": "GPU",
            "gpuTypeIds": list(options.gpu_types),
            "gpuCount": max(launch.gpus_wanted, 1),
        }
    else:
        body |= {"computeType": "CPU", "vcpuCount": options.vcpus}
    if options.data_centers:
        body["dataCenterIds"] = list(options.data_centers)
    if options.registry_auth:
        body["containerRegistryAuthId"] = options.registry_auth
    return body
