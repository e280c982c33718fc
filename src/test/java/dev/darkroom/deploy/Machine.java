package dev.darkroom.deploy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A node: a bridge with addresses, network namespaces on it, and containers in them. Needs root, iproute2, nftables and podman; the
 * image is what {@code .ci/docker-stages.sh} builds.
 */
final class Machine implements AutoCloseable {
    static final String NETWORK = "10.89.77.";

    /** From here the kubelet probes; a policy never keeps a node from its own pods. */
    static final String ADDRESS = NETWORK + "1";

    static final String IMAGE = "localhost/darkroom:cpu";

    private static final String BRIDGE = "dkbr0";
    static final Path WORK = Path.of(System.getenv().getOrDefault("WORK", "/tmp/darkroom-stages"));

    private final List<String> namespaces = new ArrayList<>();
    private final List<String> containers = new ArrayList<>();

    Machine() {
        Shell.run(List.of("ip", "link", "delete", BRIDGE));
        Shell.succeed("ip", "link", "add", BRIDGE, "type", "bridge");
        Shell.succeed("ip", "address", "add", ADDRESS + "/24", "dev", BRIDGE);
        Shell.succeed("ip", "link", "set", BRIDGE, "up");
    }

    /** Another address of this machine, where something outside the cluster answers. */
    void address(String address) {
        Shell.succeed("ip", "address", "add", address + "/32", "dev", BRIDGE);
    }

    /** A network namespace of its own with this address, whose other traffic goes to this machine. */
    void namespace(String name, String address) {
        String end = "v" + address.substring(NETWORK.length());
        Shell.run(List.of("ip", "netns", "delete", name));
        Shell.succeed("ip", "netns", "add", name);
        namespaces.add(name);
        Shell.succeed("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name);
        Shell.succeed("ip", "link", "set", end, "master", BRIDGE, "up");
        in(name, "ip", "link", "set", "lo", "up");
        in(name, "ip", "address", "add", address + "/24", "dev", "eth0");
        in(name, "ip", "link", "set", "eth0", "up");
        in(name, "ip", "route", "add", "default", "via", ADDRESS);
    }

    String in(String namespace, String... command) {
        return Shell.succeed(Shell.join(List.of("ip", "netns", "exec", namespace), List.of(command)));
    }

    Shell.Result tried(String namespace, String... command) {
        return Shell.run(Shell.join(List.of("ip", "netns", "exec", namespace), List.of(command)));
    }

    /** @param ruleset as nft reads it */
    void rules(String namespace, String ruleset) throws IOException {
        Path file = java.nio.file.Files.createTempFile("rules", ".nft");
        java.nio.file.Files.writeString(file, ruleset);
        in(namespace, "nft", "-f", file.toString());
        java.nio.file.Files.delete(file);
    }

    static List<String> podman(String... arguments) {
        return Shell.join(
                List.of(
                        "podman",
                        "--root",
                        WORK.resolve("storage").toString(),
                        "--runroot",
                        WORK.resolve("run").toString()),
                List.of(arguments));
    }

    /** Runs a container to its end. */
    Shell.Result complete(String name, List<String> arguments) {
        containers.add(name);
        return Shell.run(Shell.join(podman("run", "--name", name), arguments));
    }

    /** Starts a container. */
    void start(String name, List<String> arguments) {
        containers.add(name);
        Shell.succeed(Shell.join(podman("run", "--detach", "--name", name), arguments));
    }

    String log(String name) {
        return Shell.run(podman("logs", name)).output();
    }

    boolean runs(String name) {
        return Shell.run(podman("inspect", "--format", "{{.State.Running}}", name))
                .output()
                .contains("true");
    }

    /** Ends a container as a kubelet does. @return its exit status */
    int stop(String name, int seconds) {
        Shell.succeed(podman("stop", "--time", Integer.toString(seconds), name));
        return Integer.parseInt(Shell.succeed(podman("inspect", "--format", "{{.State.ExitCode}}", name))
                .strip());
    }

    /** Removes all containers and namespaces that there are. */
    void clear() {
        containers.forEach(name -> Shell.run(podman("rm", "--force", "--time", "0", name)));
        containers.clear();
        namespaces.forEach(name -> Shell.run(List.of("ip", "netns", "delete", name)));
        namespaces.clear();
    }

    @Override
    public void close() {
        clear();
        Shell.run(List.of("ip", "link", "delete", BRIDGE));
    }
}
