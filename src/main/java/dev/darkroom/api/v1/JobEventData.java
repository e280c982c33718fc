package dev.darkroom.api.v1;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.job.JobEvent;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the events of a job's stream carry, for the OpenAPI document; pictures and jobs have their own schemas. */
public final class JobEventData {

    private JobEventData() {}

    /** Data of {@code queued} and {@code started}. */
    @Schema(name = "JobTimeEvent", description = "Data of the events queued and started")
    record Time(
            @Schema(description = "When it happened") @JsonProperty("at")
            Instant at) {}

    /** Data of {@code step}. */
    @Schema(
            name = "JobStepEvent",
            description = "Data of the event step: a picture has one more of its steps behind it")
    record Step(
            @Schema(description = "Index of the picture", minimum = "0") @JsonProperty("image")
            int image,

            @Schema(description = "Its steps done", minimum = "1") @JsonProperty("step")
            int step,

            @Schema(description = "Its steps in all", minimum = "1") @JsonProperty("steps")
            int steps,

            @Schema(description = "As far as the request asked for previews") @JsonProperty("preview") @Nullable
            Preview preview) {}

    /** A picture on its way. */
    @Schema(name = "JobPreview", description = "A small picture of how far it is")
    record Preview(
            @Schema(description = "Media type of data", example = "image/jpeg") @JsonProperty("content_type")
            String contentType,

            @Schema(description = "The file in base 64", format = "byte") @JsonProperty("data")
            byte[] data) {}

    /** The records that have schemas of their own. */
    public static final List<Class<?>> RECORDS = List.of(Time.class, Step.class, Preview.class);

    /** References to the schema of each event's data, by the event's name. */
    public static Map<String, Map<String, String>> references() {
        Map<String, String> schemas = new LinkedHashMap<>();
        schemas.put("snapshot", "Job");
        Arrays.stream(JobEvent.Type.values())
                .forEach(type -> schemas.put(
                        type.id(),
                        switch (type) {
                            case QUEUED, STARTED -> "JobTimeEvent";
                            case STEP -> "JobStepEvent";
                            case IMAGE -> "JobImage";
                            case SUCCEEDED, FAILED, CANCELED -> "Job";
                        }));
        return schemas.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> Map.of("$ref", "#/components/schemas/" + entry.getValue()),
                        (a, b) -> a,
                        LinkedHashMap::new));
    }
}
