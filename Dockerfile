# One image for the shim (`api_shim`, the default), the worker (`worker`), the notifier (`notifier`) and the console (`console`),
# so that they are built, scanned and released together. The tags name an exact version: raise them for security fixes, and
# add a digest to freeze a deployment.

# The Python that all tests run on.
FROM python:3.11.16-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The final image holds no installer. pip stays in this stage and installs into the other environment from outside.
RUN python -m venv --without-pip /opt/intake
# The dependencies come before the code, so that a change of code does not install them again. Only wheels are allowed:
# there is no compiler, and no package's own build script runs.
COPY requirements/service.txt requirements/run.txt requirements/
# The pin of the build backend is in run.txt. The rest of that lock is not for an image.
RUN pip --python /opt/intake/bin/python install --require-hashes --only-binary :all: -r requirements/service.txt \
  && awk '/^[^ ]/ {wanted = /^setuptools==/} wanted' requirements/run.txt > requirements/build.txt \
  && pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY api_shim api_shim
COPY cli cli
COPY console console
COPY edge edge
COPY local_stack local_stack
COPY notifier notifier
COPY passwords passwords
COPY schemas schemas
COPY startup startup
COPY worker worker
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
  && pip --python /opt/intake/bin/python install --no-deps /wheels/*.whl

FROM python:3.11.16-slim-trixie
LABEL org.opencontainers.image.title="customer-intake" org.opencontainers.image.licenses="MIT"
# The user's number is fixed, so that volumes and secret files can belong to it. Any other number works too:
# docker-compose.yml uses the developer's.
RUN groupadd --gid 10001 intake \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin intake
# Remove the base image's own installer, and what could bring it back. Nothing is ever installed into this image.
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip \
  /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3*
COPY --from=build /opt/intake /opt/intake
# Bytecode was written at the installation, and the file system may be read-only. With the safe path, Python does not
# import from the working directory, to which somebody might write.
ENV PATH=/opt/intake/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  PYTHONDONTWRITEBYTECODE=1 \
  PYTHONSAFEPATH=1 \
  INTAKE_HOST=0.0.0.0 \
  INTAKE_LOG_FORMAT=json
USER 10001:10001
# The shim's port and the console's.
EXPOSE 3005 3006
# No HEALTHCHECK here, since shim and worker have different ones (docker-compose.yml).
ENTRYPOINT ["python", "-m"]
CMD ["api_shim"]
