# A glibc system with python3 (3.11 or newer) and its venv module.
ARG BASE_IMAGE=python:3.11-slim
# Where packages are installed: the same Python, perhaps with the settings of a package index of your own.
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS packages
# Empty takes the torch that pip finds: usually the CUDA build, which runs on a GPU and on the CPU. The address of
# PyTorch's index of CPU builds (see its installation page) makes a far smaller image without CUDA.
ARG TORCH_INDEX=
COPY requirements.txt /tmp/requirements.txt
# Of the pinned packages those that inference imports; nnU-Net's own architectures are there for bundles that name
# them, without what they need only for training. Without its telemetry package openvino cannot report anything.
# Bytecode is compiled here, since nothing is writable when the container runs, and is trusted unchecked, which saves
# a look at every source file in a cold start (torch/testing holds newer syntax).
RUN grep -E '^(torch|SimpleITK|numpy|scipy|openvino|pillow)==' /tmp/requirements.txt >/tmp/inference.txt \
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

# Runs one case and exits: what docker run users want, and one of the two ways in which Grand Challenge calls an image.
FROM ${BASE_IMAGE} AS exec
RUN useradd --no-create-home --home-dir /tmp --uid 1000 user
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/app /opt/app
# The platform's names for CT and mask: nobody can set variables for an image there.
ARG INPUT_SLUG=ct
ARG OUTPUT_SLUG=head_neck_oar
ENV HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HNSEG_INPUT_SLUG=${INPUT_SLUG} HNSEG_OUTPUT_SLUG=${OUTPUT_SLUG}
# build.sh says which version of hnseg_infer this is.
ARG VERSION=
LABEL org.opencontainers.image.title="HNSeg" \
      org.opencontainers.image.description="Outlines 22 organs at risk of the head and neck on a CT. Not for clinical use." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.grand-challenge.api-method="exec"
USER user
WORKDIR /opt/app
ENTRYPOINT ["/opt/venv/bin/python", "/opt/app/process.py"]

# Loads the models once and waits for cases on a port: the other way, and the one that the platform prefers.
FROM exec AS invoke
LABEL org.grand-challenge.api-method="invoke"
EXPOSE 4743
CMD ["serve"]
