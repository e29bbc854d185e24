"""What Python's huggingface_hub does: hub_client.py REPOSITORY FILES…

--offline asks the cache alone, --snapshot fetches all files, --scan says what the cache holds.
"""

import json
import sys

from huggingface_hub import constants, hf_hub_download, scan_cache_dir, snapshot_download

arguments = sys.argv[1:]
offline = "--offline" in arguments
repository, *files = [argument for argument in arguments if not argument.startswith("--")]
report = {"cache": constants.HF_HUB_CACHE, "offline": constants.HF_HUB_OFFLINE}
try:
    if "--snapshot" in arguments:
        report["snapshot"] = snapshot_download(repository, local_files_only=offline)
    report["paths"] = [hf_hub_download(repository, file, local_files_only=offline) for file in files]
    if "--scan" in arguments:
        scan = scan_cache_dir()
        report["warnings"] = [str(warning) for warning in scan.warnings]
        report["repositories"] = [repo.repo_id for repo in scan.repos]
except Exception as error:
    report["error"] = type(error).__name__
print(json.dumps(report))
