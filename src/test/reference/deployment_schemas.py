"""Cuts the schemas that the deployment tests check against out of the packages that carry them.

    python deployment_schemas.py PACKAGES OUT

OUT is src/test/resources/dev/darkroom/deploy. PACKAGES holds what was fetched with the ordinary clients (all Apache-2.0):

    kubernetes_validate   pip install kubernetes-validate==1.37.0 (Kubernetes' OpenAPI document as strict JSON schemas)
    gateway-api           the Go module sigs.k8s.io/gateway-api v1.3.0
    keda                  the Go module github.com/kedacore/keda/v2 v2.17.2
    prometheus-operator   the Go module github.com/prometheus-operator/prometheus-operator v0.84.0
    compose-go            the Go module github.com/compose-spec/compose-go/v2 v2.9.1

Descriptions and kinds that the chart does not use are left out. A custom resource's schema is made strict like the others: an object
with listed properties takes no others.
"""
import json
import sys
from pathlib import Path

import yaml

KUBERNETES = ["1.29.0", "1.37.0"]  # the oldest that Chart.yaml allows, the newest there was
KINDS = {
    "v1/ConfigMap": "configmap-v1",
    "v1/PersistentVolumeClaim": "persistentvolumeclaim-v1",
    "v1/Pod": "pod-v1",
    "v1/Secret": "secret-v1",
    "v1/Service": "service-v1",
    "v1/ServiceAccount": "serviceaccount-v1",
    "apps/v1/Deployment": "deployment-apps-v1",
    "apps/v1/StatefulSet": "statefulset-apps-v1",
    "autoscaling/v2/HorizontalPodAutoscaler": "horizontalpodautoscaler-autoscaling-v2",
    "networking.k8s.io/v1/Ingress": "ingress-networking-v1",
    "networking.k8s.io/v1/NetworkPolicy": "networkpolicy-networking-v1",
    "policy/v1/PodDisruptionBudget": "poddisruptionbudget-policy-v1",
}
CUSTOM = [
    "gateway-api/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    "keda/config/crd/bases/keda.sh_scaledobjects.yaml",
    "prometheus-operator/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    "prometheus-operator/example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
]


def trimmed(node, properties=False):
    """Without descriptions, names and Kubernetes' extensions; references point into one document."""
    if isinstance(node, list):
        return [trimmed(each) for each in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if not properties and (key in ("$id", "$schema", "description", "default", "example") or key.startswith("x-kubernetes-")):
            continue
        if key == "$ref" and isinstance(value, str):
            value = "#/$defs/" + value.rsplit("/", 1)[1]
        out[key] = trimmed(value, key == "properties" and not properties)
    return out


def strict(node):
    """A custom resource's schema as a JSON schema that knows all properties."""
    if isinstance(node, list):
        return [strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    out = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: strict(each) for name, each in value.items()}
        else:
            out[key] = strict(value)
    if "properties" in node and "additionalProperties" not in node and not node.get("x-kubernetes-preserve-unknown-fields"):
        out["additionalProperties"] = False
    return out


def references(node):
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = {node["$ref"].rsplit("/", 1)[1]} if isinstance(node.get("$ref"), str) else set()
    return found.union(*(references(each) for each in node.values())) if node else found


def write(path, document):
    path.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n")
    print(path, path.stat().st_size)


def main(packages, out):
    for version in KUBERNETES:
        folder = packages / "kubernetes_validate" / "kubernetes-json-schema" / f"v{version}-local-strict"
        definitions = json.loads((folder / "_definitions.json").read_text())["$defs"]
        kinds = {kind: trimmed(json.loads((folder / f"{file}.json").read_text())) for kind, file in KINDS.items()}
        meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        for file in CUSTOM:
            crd = yaml.safe_load((packages / file).read_text())["spec"]
            for each in crd["versions"]:
                if each["storage"] or each["name"] == "v1":
                    schema = trimmed(strict(each["schema"]["openAPIV3Schema"]))
                    schema["properties"]["metadata"] = {"$ref": "#/$defs/" + meta}
                    schema.setdefault("required", [])
                    schema["required"] = sorted({*schema["required"], "apiVersion", "kind", "metadata"})
                    kinds[f"{crd['group']}/{each['name']}/{crd['names']['kind']}"] = schema
        needed, wanted = {}, references(kinds)
        while wanted:
            name = wanted.pop()
            needed[name] = trimmed(definitions[name])
            wanted |= references(needed[name]) - needed.keys()
        write(out / f"kubernetes-{version}.json", {"$defs": {**needed, **{k.replace("/", "."): v for k, v in kinds.items()}}})
    compose = json.loads((packages / "compose-go/schema/compose-spec.json").read_text())
    compose = trimmed(compose)
    compose["$defs"] = compose.pop("definitions")
    write(out / "compose-spec.json", compose)


main(Path(sys.argv[1]), Path(sys.argv[2]))
