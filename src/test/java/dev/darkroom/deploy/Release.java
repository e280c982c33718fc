package dev.darkroom.deploy;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** A rendered chart on a {@link Machine}: each pod in a network namespace of its own, its containers run one after another. */
final class Release {
    static final String NAMESPACE = "pictures";

    /** A namespace of the cluster with one pod in it, which a policy may name. */
    record Peer(String name, String address, String namespace, Map<String, String> labels) {}

    /** A pod of a workload. */
    record Pod(String name, String address, JsonNode template) {
        JsonNode container() {
            return template.at("/spec/containers/0");
        }

        int port(String name) {
            for (JsonNode port : container().path("ports")) {
                if (port.path("name").asString().equals(name)) {
                    return port.path("containerPort").asInt();
                }
            }
            return 0;
        }
    }

    private final Machine machine;
    private final List<JsonNode> objects;
    private final Map<String, Map<String, String>> secrets;
    private final Map<String, String> hosts = new LinkedHashMap<>();
    private final Path folder;
    private final Path hostsFile;
    private final List<String> mounts;
    private final List<Pod> pods = new ArrayList<>();
    private final List<Peer> peers = new ArrayList<>();
    private final Map<Path, String> claims = new HashMap<>();

    /**
     * @param atMost pods of one workload
     * @param mounts of every container, as podman writes them
     */
    Release(
            Machine machine,
            List<JsonNode> objects,
            Map<String, Map<String, String>> secrets,
            Map<String, String> outside,
            Path folder,
            List<String> mounts,
            int atMost)
            throws IOException {
        this.machine = machine;
        this.objects = objects;
        this.secrets = new HashMap<>(secrets);
        this.folder = folder;
        this.mounts = mounts;
        hostsFile = folder.resolve("hosts");
        for (JsonNode secret : of("Secret")) {
            Map<String, String> data = new HashMap<>();
            secret.path("data")
                    .propertyStream()
                    .forEach(each -> data.put(
                            each.getKey(),
                            new String(
                                    Base64.getDecoder().decode(each.getValue().asString()), UTF_8)));
            this.secrets.put(secret.at("/metadata/name").asString(), data);
        }
        hosts.putAll(outside);
        outside.forEach((name, address) -> peers.add(new Peer(name, address, NAMESPACE, Map.of("app", name))));
        for (JsonNode object : objects) {
            JsonNode template = object.at("/spec/template");
            if (!template.isMissingNode() && template.has("spec")) {
                int replicas = Math.min(atMost, object.at("/spec/replicas").asInt(scaled(object)));
                for (int i = 0; i < replicas; i++) {
                    String name = object.at("/metadata/name").asString() + "-" + i;
                    Pod pod = new Pod(name, Machine.NETWORK + (10 + pods.size()), template);
                    pods.add(pod);
                    peers.add(new Peer(name, pod.address(), NAMESPACE, labels(template.at("/metadata/labels"))));
                }
            }
        }
        JsonNode test = of("Pod").get(0);
        peers.add(new Peer("test", Machine.NETWORK + 100, NAMESPACE, labels(test.at("/metadata/labels"))));
        peers.add(new Peer("gateway", Machine.NETWORK + 101, "gateways", Map.of()));
        peers.add(new Peer("prometheus", Machine.NETWORK + 102, "monitoring", Map.of()));
        peers.add(new Peer("stranger", Machine.NETWORK + 103, "elsewhere", Map.of()));
    }

    /** Pods of a workload whose number is a scaler's. */
    private int scaled(JsonNode workload) {
        for (JsonNode scaler : objects) {
            if (scaler.at("/spec/scaleTargetRef/name").equals(workload.at("/metadata/name"))) {
                return scaler.at("/spec/minReplicas")
                        .asInt(scaler.at("/spec/minReplicaCount").asInt(1));
            }
        }
        return 1;
    }

    List<Pod> pods() {
        return pods;
    }

    List<JsonNode> of(String kind) {
        return objects.stream()
                .filter(object -> object.path("kind").asString().equals(kind))
                .toList();
    }

    /** A value of a Secret that the chart made or found; null if there is none. */
    String secret(String name, String key) {
        return secrets.getOrDefault(name, Map.of()).get(key);
    }

    /** Makes namespaces, services and policies, and starts all pods. */
    void install() throws IOException {
        for (Peer peer : peers) {
            if (!hosts.containsValue(peer.address())) {
                machine.namespace(peer.name(), peer.address());
            }
        }
        StringBuilder forwarded = new StringBuilder();
        int number = 1;
        for (JsonNode service : of("Service")) {
            String name = service.at("/metadata/name").asString();
            List<Pod> backends = pods.stream()
                    .filter(pod -> selects(
                            service.at("/spec/selector"), labels(pod.template().at("/metadata/labels"))))
                    .toList();
            if (service.at("/spec/clusterIP").asString().equals("None")) {
                hosts.put(name, backends.get(0).address());
                continue;
            }
            String address = "10.96.0." + number++;
            hosts.put(name, address);
            for (JsonNode port : service.at("/spec/ports")) {
                Pod backend = backends.get(0);
                forwarded.append("add rule ip services outward ip daddr %s tcp dport %d dnat to %s:%d\n"
                        .formatted(
                                address,
                                port.path("port").asInt(),
                                backend.address(),
                                backend.port(port.path("targetPort").asString())));
            }
        }
        StringBuilder lines = new StringBuilder("127.0.0.1 localhost\n");
        hosts.forEach((name, address) -> lines.append(address + " " + name + "\n"));
        Files.writeString(hostsFile, lines.toString());
        for (Peer peer : peers) {
            if (!peer.name().contains(".") && !hosts.containsKey(peer.name())) {
                machine.rules(
                        peer.name(),
                        "add table ip services\nadd chain ip services outward { type nat hook output priority -100; }\n"
                                + forwarded);
            }
        }
        for (Pod pod : pods) {
            for (JsonNode policy : of("NetworkPolicy")) {
                if (selects(
                        policy.at("/spec/podSelector/matchLabels"),
                        labels(pod.template().at("/metadata/labels")))) {
                    machine.rules(pod.name(), rules(policy.path("spec"), pod));
                }
            }
            for (JsonNode init : pod.template().at("/spec/initContainers")) {
                String name = pod.name() + "-" + init.path("name").asString();
                Shell.Result result = machine.complete(name, arguments(pod.name(), pod.template(), init));
                if (result.status() != 0) {
                    throw new AssertionError(name + " ended with " + result.status() + ": " + result.output());
                }
            }
            machine.start(pod.name(), arguments(pod.name(), pod.template(), pod.container()));
        }
    }

    /** Runs the chart's test. */
    Shell.Result test() throws IOException {
        JsonNode test = of("Pod").get(0);
        return machine.complete("test", arguments("test", test, test.at("/spec/containers/0")));
    }

    /** A policy for one pod as nftables has it. A node always reaches its own pods. */
    private String rules(JsonNode policy, Pod pod) {
        StringBuilder rules = new StringBuilder("add table ip kept\n");
        for (JsonNode type : policy.path("policyTypes")) {
            boolean in = type.asString().equals("Ingress");
            String chain = in ? "inward" : "outward";
            rules.append("add chain ip kept %s { type filter hook %s priority 0; policy drop; }\n"
                    .formatted(chain, in ? "input" : "output"));
            rules.append("add rule ip kept %s ct state established,related accept\n".formatted(chain));
            rules.append("add rule ip kept %s %s lo accept\n".formatted(chain, in ? "iif" : "oif"));
            if (in) {
                rules.append("add rule ip kept inward ip saddr %s accept\n".formatted(Machine.ADDRESS));
            }
            for (JsonNode rule : policy.path(in ? "ingress" : "egress")) {
                for (String from : addresses(rule.path(in ? "from" : "to"), in)) {
                    for (String port : ports(rule.path("ports"), pod)) {
                        rules.append("add rule ip kept %s %s %s accept\n".formatted(chain, from, port));
                    }
                }
            }
        }
        return rules.toString();
    }

    private List<String> ports(JsonNode ports, Pod pod) {
        List<String> conditions = new ArrayList<>();
        for (JsonNode port : ports) {
            int number = port.path("port").isNumber()
                    ? port.path("port").asInt()
                    : pod.port(port.path("port").asString());
            if (number > 0) { // a worker has no port http
                String protocol = port.path("protocol").asString("TCP").equals("UDP") ? "udp" : "tcp";
                conditions.add(protocol + " dport " + number);
            }
        }
        return ports.isEmpty() ? List.of("") : conditions;
    }

    private List<String> addresses(JsonNode selected, boolean in) {
        if (selected.isEmpty()) {
            return List.of("");
        }
        List<String> conditions = new ArrayList<>();
        for (JsonNode each : selected) {
            JsonNode namespaces = each.at("/namespaceSelector/matchLabels");
            for (Peer peer : peers) {
                boolean namespace = each.has("namespaceSelector")
                        ? selects(namespaces, Map.of("kubernetes.io/metadata.name", peer.namespace()))
                        : peer.namespace().equals(NAMESPACE);
                if (namespace && selects(each.at("/podSelector/matchLabels"), peer.labels())) {
                    conditions.add((in ? "ip saddr " : "ip daddr ") + peer.address());
                }
            }
        }
        return conditions;
    }

    private static boolean selects(JsonNode selector, Map<String, String> labels) {
        return selector.propertyStream()
                .allMatch(each -> each.getValue().asString().equals(labels.get(each.getKey())));
    }

    private static Map<String, String> labels(JsonNode labels) {
        Map<String, String> all = new TreeMap<>();
        labels.propertyStream()
                .forEach(each -> all.put(each.getKey(), each.getValue().asString()));
        return all;
    }

    /** What podman is told about a container. There is no GPU here, so those who want one draw on the processor. */
    private List<String> arguments(String pod, JsonNode template, JsonNode container) throws IOException {
        JsonNode spec = template.path("spec");
        JsonNode security = container.path("securityContext");
        List<String> arguments = new ArrayList<>(List.of(
                "--network=ns:/run/netns/" + pod,
                "--no-hosts",
                "--no-healthcheck",
                "--volume=" + hostsFile + ":/etc/hosts:ro",
                "--hostname=" + pod,
                "--pids-limit=-1",
                "--user=" + spec.at("/securityContext/runAsUser").asInt() + ":"
                        + spec.at("/securityContext/runAsGroup").asInt(),
                "--memory=" + bytes(container.at("/resources/limits/memory").asString())));
        spec.at("/securityContext/fsGroup")
                .asOptional()
                .ifPresent(group -> arguments.add("--group-add=" + group.asInt()));
        if (security.path("readOnlyRootFilesystem").asBoolean()) {
            arguments.add("--read-only");
            arguments.add("--read-only-tmpfs=false");
        }
        security.at("/capabilities/drop").forEach(drop -> arguments.add("--cap-drop=" + drop.asString()));
        if (!security.path("allowPrivilegeEscalation").asBoolean(true)) {
            arguments.add("--security-opt=no-new-privileges");
        }
        environment(pod, container).forEach((name, value) -> arguments.add("--env=" + name + "=" + value));
        for (JsonNode mount : container.path("volumeMounts")) {
            Path source = volume(pod, spec, mount.path("name").asString());
            String sub = mount.path("subPath").asString("");
            arguments.add("--volume=" + source.resolve(sub) + ":"
                    + mount.path("mountPath").asString()
                    + (mount.path("readOnly").asBoolean() ? ":ro" : ""));
        }
        mounts.forEach(mount -> arguments.add("--volume=" + mount));
        List<String> command = new ArrayList<>();
        container.path("command").forEach(word -> command.add(word.asString()));
        if (!command.isEmpty()) {
            arguments.add("--entrypoint=" + command.get(0));
        }
        arguments.add(Machine.IMAGE);
        arguments.addAll(command.subList(Math.min(1, command.size()), command.size()));
        container.path("args").forEach(word -> arguments.add(word.asString()));
        return arguments;
    }

    private Map<String, String> environment(String pod, JsonNode container) {
        Map<String, String> environment = new LinkedHashMap<>();
        for (JsonNode from : container.path("envFrom")) {
            environment.putAll(secrets.get(from.at("/secretRef/name").asString()));
        }
        for (JsonNode variable : container.path("env")) {
            String name = variable.path("name").asString();
            JsonNode secret = variable.at("/valueFrom/secretKeyRef");
            String value;
            if (!secret.isMissingNode()) {
                value = secret(
                        secret.path("name").asString(), secret.path("key").asString());
                if (value == null) {
                    throw new AssertionError("no Secret for " + variable);
                }
            } else if (variable.at("/valueFrom/fieldRef/fieldPath").asString("").equals("metadata.name")) {
                value = pod;
            } else {
                value = variable.path("value").asString();
            }
            environment.put(name, name.equals("DARKROOM_DEVICES") ? "cpu" : value);
        }
        return environment;
    }

    /** A folder for a volume. Those that a kubelet makes or mounts belong to the pod's group. */
    private Path volume(String pod, JsonNode spec, String name) throws IOException {
        Path path = folder.resolve("volumes").resolve(pod).resolve(name);
        if (Files.exists(path)) {
            return path;
        }
        Files.createDirectories(path);
        for (JsonNode volume : spec.path("volumes")) {
            if (volume.path("name").asString().equals(name) && volume.has("configMap")) {
                String map = volume.at("/configMap/name").asString();
                for (JsonNode object : of("ConfigMap")) {
                    if (object.at("/metadata/name").asString().equals(map)) {
                        for (var entry : object.path("data").properties()) {
                            Files.writeString(
                                    path.resolve(entry.getKey()),
                                    entry.getValue().asString());
                        }
                    }
                }
                return path;
            }
        }
        Shell.succeed("chown", "root:" + spec.at("/securityContext/fsGroup").asInt(), path.toString());
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxr-x"));
        return path;
    }

    private static long bytes(String quantity) {
        long number = Long.parseLong(quantity.replaceAll("\\D", ""));
        return switch (quantity.replaceAll("\\d", "")) {
            case "Mi" -> number << 20;
            case "Gi" -> number << 30;
            default -> throw new AssertionError(quantity);
        };
    }
}
