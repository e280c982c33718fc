package dev.darkroom.sampling;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The numbers that {@code src/test/reference/sampling_reference.py} took from diffusers and torch. */
final class Reference {

    private Reference() {}

    static JsonNode read() {
        try (InputStream in = Reference.class.getResourceAsStream("/sampling/reference.json.gz")) {
            return JsonMapper.shared().readTree(new GZIPInputStream(Objects.requireNonNull(in)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ScheduleConfig config(JsonNode json) {
        Map<String, @Nullable Object> map = new HashMap<>();
        json.properties().forEach(entry -> map.put(entry.getKey(), value(entry.getValue())));
        return ScheduleConfig.of(map);
    }

    private static @Nullable Object value(JsonNode json) {
        return switch (json.getNodeType()) {
            case BOOLEAN -> json.booleanValue();
            case NUMBER -> json.numberValue();
            case NULL -> null;
            default -> json.stringValue();
        };
    }

    static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) array.get(i).doubleValue();
        }
        return values;
    }

    /** The largest difference, relative to the largest expected magnitude, or to 1 if that is smaller. */
    static double difference(float[] actual, float[] expected) {
        if (actual.length != expected.length) {
            throw new AssertionError("expected %d values, found %d".formatted(expected.length, actual.length));
        }
        double magnitude = Math.max(1, max(expected.length, i -> Math.abs(expected[i])));
        return max(expected.length, i -> Math.abs((double) actual[i] - expected[i])) / magnitude;
    }

    private static double max(int n, ToDoubleFunction<Integer> value) {
        double max = 0;
        for (int i = 0; i < n; i++) {
            double v = value.applyAsDouble(i);
            max = v > max || Double.isNaN(v) ? v : max;
        }
        return max;
    }
}
