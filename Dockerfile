# Two images of one application:
#   docker build --target cpu  -t darkroom:cpu .
#   docker build --target cuda -t darkroom:cuda .
# Nothing is unpacked or fetched at run time; /data, /models and /tmp are the only places written to.
# .ci/docker-stages.sh builds and starts the cpu image without a Docker engine.

FROM maven:3.9-eclipse-temurin-17-noble AS build
WORKDIR /src
COPY mvnw pom.xml LICENSE NOTICE ./
COPY .mvn .mvn
COPY src/main src/main
ARG REVISION=unknown
RUN --mount=type=cache,target=/root/.m2 \
    ./mvnw --batch-mode --no-transfer-progress -Dmaven.test.skip=true -Dspotless.check.skip=true \
        -Dsource.revision="$REVISION" package

# The jar by layers; native libraries apart, so that each image holds just the one libtorch it loads.
FROM eclipse-temurin:25-jdk-noble AS unpack
WORKDIR /unpack
COPY --from=build /src/target/darkroom.jar .
RUN java -Djarmode=tools -jar darkroom.jar extract --layers --destination layers \
 && mkdir libraries native libtorch-cpu jni-cu128 \
 && mv layers/dependencies/lib/pytorch-native-cpu-*.jar .
WORKDIR /unpack/libraries
RUN for jar in ../pytorch-native-cpu-*.jar ../layers/dependencies/lib/pytorch-jni-*.jar \
        ../layers/dependencies/lib/tokenizers-*.jar ../layers/dependencies/lib/jna-[0-9]*.jar; do jar xf "$jar"; done \
 && arch=$(uname -m) \
 && mv pytorch/cpu/linux-*/* "jnilib/linux-$arch/cpu/libdjl_torch.so" ../libtorch-cpu \
 && mv "native/lib/linux-$arch/cpu/libtokenizers.so" ../native \
 && if [ "$arch" = x86_64 ]; \
    then mv com/sun/jna/linux-x86-64/libjnidispatch.so ../native && mv jnilib/linux-x86_64/cu128/libdjl_torch.so ../jni-cu128; \
    else mv "com/sun/jna/linux-$arch/libjnidispatch.so" ../native; fi

# What both images share. Its layers change from seldom to often.
FROM eclipse-temurin:25-jre-noble AS runtime
RUN groupadd --gid 10001 darkroom \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin darkroom \
 && mkdir /data /models \
 && chown 10001:10001 /data /models \
 && mkdir /app \
 && printf '%s\n' --enable-native-access=ALL-UNNAMED -Djna.boot.library.path=/opt/native -Djna.nounpack=true \
        -Djna.library.path=/opt/libtorch/nvidia/cuda_runtime/lib > /app/java.options
WORKDIR /app
COPY --from=unpack /unpack/native /opt/native
COPY LICENSE NOTICE /app/
COPY src/main/docker/healthy /app/
COPY --from=unpack /unpack/layers/dependencies/ /unpack/layers/spring-boot-loader/ /unpack/layers/snapshot-dependencies/ ./
COPY --from=unpack /unpack/layers/application/ ./
ENV DARKROOM_DATA_DIR=/data \
    DARKROOM_MODELS_DIR=/models \
    MANAGEMENT_SERVER_PORT=8081 \
    DJL_OFFLINE=true \
    DJL_CACHE_DIR=/tmp/djl \
    PYTORCH_VERSION=2.7.1 \
    RUST_LIBRARY_PATH=/opt/native/libtokenizers.so \
    OMP_WAIT_POLICY=passive
USER 10001:10001
VOLUME ["/data", "/models"]
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# Healthy once a model is loaded and warm; a start may fetch models first.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m --retries=3 CMD ["/app/healthy"]
ENTRYPOINT ["java", "@/app/java.options", "-XX:AOTCache=/app/darkroom.aot", "-jar", "/app/darkroom.jar"]

FROM runtime AS train
COPY --from=unpack /unpack/libtorch-cpu /opt/libtorch
ENV PYTORCH_FLAVOR=cpu PYTORCH_LIBRARY_PATH=/opt/libtorch
RUN --mount=type=bind,source=src/main/docker,target=/scripts /scripts/train /tmp/darkroom.aot

FROM runtime AS cpu
COPY --from=unpack /unpack/libtorch-cpu /opt/libtorch
COPY --from=train /tmp/darkroom.aot /app/
ENV PYTORCH_FLAVOR=cpu PYTORCH_LIBRARY_PATH=/opt/libtorch
ARG VERSION=0.1.0-SNAPSHOT
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Darkroom" \
      org.opencontainers.image.description="Latent diffusion as a service: drop a diffusers model folder in, get an image API out" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/eclipse-temurin:25-jre-noble" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# libtorch for CUDA, as PyTorch's own image has it. Its libraries look for NVIDIA's beside them, so both keep their places.
FROM pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime AS torch
RUN python -c 'import torch; assert torch.__version__ == "2.7.1+cu128", torch.__version__' \
 && packages=$(python -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))') \
 && mkdir -p /opt/libtorch/torch \
 && cp -a "$packages/torch/lib" /opt/libtorch/torch/lib \
 && cp -a "$packages/nvidia" /opt/libtorch/nvidia \
 && if [ -d "$packages/cusparselt" ]; then cp -a "$packages/cusparselt" /opt/libtorch/cusparselt; fi \
 && ln -s libcudart.so.12 /opt/libtorch/nvidia/cuda_runtime/lib/libcudart.so \
 && rm -f /opt/libtorch/torch/lib/libtorch_python.so /opt/libtorch/torch/lib/libshm.so /opt/libtorch/torch/lib/*.a

FROM runtime AS cuda
COPY --from=torch /opt/libtorch /opt/libtorch
COPY --from=unpack /unpack/jni-cu128/ /opt/libtorch/torch/lib/
COPY --from=train /tmp/darkroom.aot /app/
ENV PYTORCH_FLAVOR=cu128 \
    PYTORCH_LIBRARY_PATH=/opt/libtorch/torch/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
ARG VERSION=0.1.0-SNAPSHOT
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Darkroom (CUDA)" \
      org.opencontainers.image.description="Latent diffusion as a service: drop a diffusers model folder in, get an image API out" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/eclipse-temurin:25-jre-noble" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
