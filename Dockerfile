# A glibc system with python3 (3.11 or newer) and its venv module.
ARG BASE_IMAGE=python:3.11-slim
# Where packages are installed: the same Python, perhaps with the settings of a package index of your own.
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS packages
# Empty takes the torch that pip finds: usually the CUDA build, which runs on a GPU and on the CPU. The address of
# PyTorch's index of CPU builds (see its installation page) makes a far smaller image without CUDA.
ARG TORCH_INDEX=
COPY requirements.txt /tmp/requirements.txt
# nnunetv2 and evalutils serve training and evaluation, which the container does not do; nnU-Net's own architectures
# are there for bundles that name them, without what they need only for training. Without its telemetry package
# openvino cannot report anything. Bytecode is compiled here, since nothing is writable when the container runs,
# and is trusted unchecked, which saves a look at every source file in a cold start (torch/testing holds newer syntax).
RUN grep -vE '^(nnunetv2|evalutils|dynamic_network_architectures)==' /tmp/requirements.txt >/tmp/inference.txt \
    && python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-compile ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r /tmp/inference.txt \
    && /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps "$(grep dynamic_network /tmp/requirements.txt)" \
    && /opt/venv/bin/pip uninstall --yes openvino-telemetry pip \
    && /opt/venv/bin/python -m compileall -q -x torch/testing --invalidation-mode unchecked-hash /opt/venv/lib
COPY process.py /opt/app/
COPY hnseg_infer /opt/app/hnseg_infer
COPY model_weights /opt/app/model_weights
COPY bundles /opt/app/bundles
# readable by the plain user, whatever the umask of the checkout was
RUN chmod -R a+rX /opt/app && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/app

FROM ${BASE_IMAGE}
RUN useradd --no-create-home --home-dir /tmp --uid 1000 user
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/app /opt/app
ENV HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER user
WORKDIR /opt/app
ENTRYPOINT ["/opt/venv/bin/python", "/opt/app/process.py"]
