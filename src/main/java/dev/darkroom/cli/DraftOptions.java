package dev.darkroom.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.darkroom.request.Draft;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** An option for each field of a request: {@code --guidance-scale} for {@code guidance_scale}, with its description. */
final class DraftOptions implements IModelTransformer {

    /** What the command has in its own way, or what has no meaning where one request is drawn alone. */
    private static final Set<String> OTHERWISE = Set.of("prompt", "model", "output_format", "determinism", "previews");

    @Override
    public CommandSpec transform(CommandSpec command) {
        fields().forEach((field, component) -> command.addOption(option(field, component)));
        return command;
    }

    /** What was said, by the names of fields. */
    static Map<String, Object> said(ParseResult line) {
        Map<String, Object> said = new LinkedHashMap<>();
        for (String field : fields().keySet()) {
            if (line.hasMatchedOption(name(field))) {
                said.put(field, line.matchedOptionValue(name(field), null));
            }
        }
        return said;
    }

    private static Map<String, RecordComponent> fields() {
        Map<String, RecordComponent> fields = new LinkedHashMap<>();
        Arrays.stream(Draft.class.getRecordComponents())
                .forEach(component -> fields.put(
                        Objects.requireNonNull(component.getAccessor().getAnnotation(JsonProperty.class))
                                .value(),
                        component));
        fields.keySet().removeAll(OTHERWISE);
        return fields;
    }

    private static String name(String field) {
        return field.length() == 1 ? "-" + field : "--" + field.replace('_', '-');
    }

    private static OptionSpec option(String field, RecordComponent component) {
        Method accessor = component.getAccessor();
        OptionSpec.Builder option = OptionSpec.builder(name(field)).type(component.getType());
        Schema schema;
        if (component.getGenericType() instanceof ParameterizedType list) {
            schema = Objects.requireNonNull(accessor.getAnnotation(ArraySchema.class))
                    .arraySchema();
            option.auxiliaryTypes((Class<?>) list.getActualTypeArguments()[0]).splitRegex(",");
        } else {
            schema = Objects.requireNonNull(accessor.getAnnotation(Schema.class));
        }
        List<String> values = List.of(schema.allowableValues());
        if (!values.isEmpty()) {
            option.completionCandidates(values);
        }
        return option.paramLabel("<" + field + ">")
                .description(
                        escaped(schema.description()) + (values.isEmpty() ? "" : " One of ${COMPLETION-CANDIDATES}."))
                .build();
    }

    /** Picocli formats descriptions. */
    private static String escaped(String description) {
        return description.replace("%", "%%") + ".";
    }
}
