"""Runs in the container: Grand Challenge's client takes the image's own command through cases.

    run_cases.py TIMEOUT

Every folder in /cases is a case: what lies in it is put into the storage, from where the client fetches it.
What the client puts there lies in /results in the end. Weights are taken from /model.tar. moto is the
storage, on loopback. TIMEOUT: of a case, in ISO 8601. Exits as the client does.
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

CASES, RESULTS, MODEL = Path("/cases"), Path("/results"), Path("/model.tar")

IN, OUT = "inputs", "outputs"
"""Buckets."""

PORT = 5000

os.environ.update(
    AWS_ACCESS_KEY_ID="any",
    AWS_SECRET_ACCESS_KEY="any",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_S3_ENDPOINT_URL=f"http://127.0.0.1:{PORT}",
    GRAND_CHALLENGE_COMPONENT_RUNTIME_OUTPUT_BUCKET_NAME=OUT,
    GRAND_CHALLENGE_COMPONENT_RUNTIME_OUTPUT_PREFIX="setup",
)
ThreadedMotoServer("127.0.0.1", PORT, verbose=False).start()
storage = boto3.client("s3", endpoint_url=os.environ["AWS_S3_ENDPOINT_URL"])
for bucket in (IN, OUT):
    storage.create_bucket(Bucket=bucket)
if MODEL.exists():
    # the client would, but its call of tarfile is newer than the Python of Debian 12
    with tarfile.open(MODEL) as archive:
        archive.extractall("/opt/ml/model")

tasks = []
for case in sorted(CASES.iterdir()):
    files = [path for path in case.rglob("*") if path.is_file()]
    for path in files:
        storage.upload_file(str(path), IN, str(path.relative_to(CASES)))
    tasks.append(
        {
            "pk": case.name,
            "inputs": [
                {
                    "relative_path": str(path.relative_to(case)),
                    "bucket_name": IN,
                    "bucket_key": str(path.relative_to(CASES)),
                }
                for path in files
            ],
            "output_bucket_name": OUT,
            "output_prefix": case.name,
            "timeout": sys.argv[1],
        }
    )
client = subprocess.run(
    [sys.executable, "-m", "sagemaker_shim.cli", "invoke", "--tasks", json.dumps(tasks)], check=False
)
for stored in storage.list_objects_v2(Bucket=OUT).get("Contents", []):
    path = RESULTS / stored["Key"]
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.download_file(OUT, stored["Key"], str(path))
sys.exit(client.returncode)
