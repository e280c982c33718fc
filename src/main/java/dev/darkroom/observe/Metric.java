package dev.darkroom.observe;

import java.util.List;

/**
 * Every metric family of our own. Labels have few values: models and devices of this installation, samplers, states, codes; never
 * a prompt, a job's id or a key. {@code docs/metrics.md} lists them as Prometheus sees them.
 */
public enum Metric {
    QUEUE_WAIT(
            "darkroom.queue.wait",
            Kind.TIMER,
            "seconds",
            "From a job's acceptance to the beginning of its first picture"),
    ENCODE(
            "darkroom.encode",
            Kind.TIMER,
            "seconds",
            "Reading a picture's prompts: tokenizer and text encoder",
            "model"),
    STEP(
            "darkroom.step",
            Kind.TIMER,
            "seconds",
            "One U-Net call and the samplers' part, all its pictures together",
            "model"),
    DECODE("darkroom.decode", Kind.TIMER, "seconds", "Decoding a picture's latents", "model"),
    ENCODE_IMAGE("darkroom.encode.image", Kind.TIMER, "seconds", "Compressing a finished picture to a PNG file"),
    STORE("darkroom.store", Kind.TIMER, "seconds", "Storing a picture's file"),
    STEP_ROWS("darkroom.step.rows", Kind.SUMMARY, "rows", "U-Net evaluations that shared a call", "model"),
    STEPS("darkroom.steps", Kind.COUNTER, "steps", "Sampling steps done, of every picture", "model", "sampler"),
    IMAGES("darkroom.images", Kind.COUNTER, "images", "Pictures drawn and recorded", "model", "sampler"),
    JOBS("darkroom.jobs", Kind.COUNTER, "jobs", "Jobs that ended: succeeded, failed or canceled", "outcome"),
    RELEASES("darkroom.releases", Kind.COUNTER, "releases", "Jobs given back to the queue before their end"),
    REFUSALS("darkroom.refusals", Kind.COUNTER, "refusals", "Requests answered with a problem, by its code", "code"),
    BUILD(
            "darkroom.build",
            Kind.GAUGE,
            "info", // which Prometheus leaves out of the name
            "1; which version draws, and the revision of its source",
            "version",
            "revision"),
    QUEUE_JOBS(
            "darkroom.queue.jobs", Kind.GAUGE, "jobs", "Jobs in the database; every process tells the same", "state"),
    HELD_JOBS("darkroom.held.jobs", Kind.GAUGE, "jobs", "Jobs that this process holds, begun or next to be"),
    BATCH_ROWS(
            "darkroom.batch.rows",
            Kind.GAUGE,
            "rows",
            "U-Net evaluations of all pictures on a device or next to be",
            "device"),
    DEVICE_MEMORY(
            "darkroom.device.memory",
            Kind.GAUGE,
            "bytes",
            "Memory in use: of a CUDA device, by anybody; for the processor, this process's resident memory",
            "device"),
    STORE_AVAILABLE(
            "darkroom.store.available",
            Kind.GAUGE,
            "available",
            "1, or 0 while the store of pictures takes none; finished pictures then wait"),
    UNRECORDED(
            "darkroom.unrecorded",
            Kind.GAUGE,
            "bytes",
            "What was drawn on a device and is not yet stored and recorded",
            "device"),
    STREAMS("darkroom.streams", Kind.GAUGE, "streams", "Open event streams of this process");

    /** What kind of numbers a family has. */
    public enum Kind {
        TIMER,
        SUMMARY,
        COUNTER,
        GAUGE
    }

    final String id;
    final Kind kind;
    final String unit;
    final String description;
    final List<String> labels;

    Metric(String id, Kind kind, String unit, String description, String... labels) {
        this.id = id;
        this.kind = kind;
        this.unit = unit;
        this.description = description;
        this.labels = List.of(labels);
    }
}
