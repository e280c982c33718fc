package dev.darkroom.boot;

import ch.qos.logback.classic.Level;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Says in one line of the log why the start has ended; where a setting is wrong, which, what it must be and what was given. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class FailedStart implements FailureAnalysisReporter {
    private static final Logger log = LoggerFactory.getLogger(FailedStart.class);

    /** Would say the same again, in a dozen lines. */
    private static final String BOOTS = "org.springframework.boot.diagnostics.LoggingFailureAnalysisReporter";

    @Override
    public void report(FailureAnalysis analysis) {
        if (LoggerFactory.getLogger(BOOTS) instanceof ch.qos.logback.classic.Logger boots) {
            boots.setLevel(Level.OFF);
        }
        String action = analysis.getAction() == null ? "" : " " + analysis.getAction();
        log.error("Darkroom does not start: {}", (analysis.getDescription() + action).replaceAll("\\s*\\R\\s*", " "));
        log.debug("Why", analysis.getCause());
    }

    /** Settings of our own, before Spring's analyzers speak of classes and conversions. */
    @Order(Ordered.HIGHEST_PRECEDENCE)
    static final class OfSettings implements FailureAnalyzer {

        @Override
        public @Nullable FailureAnalysis analyze(Throwable failure) {
            String reason = reason(failure);
            return reason == null ? null : new FailureAnalysis(reason, null, failure);
        }

        private static @Nullable String reason(Throwable failure) {
            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                if (cause instanceof SettingsCheck.UnknownSetting unknown) {
                    return unknown.getMessage();
                }
                if (cause instanceof InvalidConfigurationPropertyValueException invalid) {
                    String given =
                            invalid.getValue() == null || invalid.getValue().equals("")
                                    ? ""
                                    : " cannot be \"" + invalid.getValue() + "\"";
                    return invalid.getName() + given + ": " + invalid.getReason();
                }
                if (cause instanceof BindException bind
                        && bind.getName().toString().startsWith("darkroom")) {
                    return of(bind);
                }
            }
            return null;
        }

        private static String of(BindException failure) {
            Throwable root = failure;
            while (root.getCause() != null) {
                root = root.getCause();
            }
            String message = String.valueOf(root.getMessage());
            if (message.contains("must")) { // our own words, of a record's constructor
                return message.startsWith("darkroom.") ? message : failure.getName() + ": " + message;
            }
            ConfigurationProperty given = failure.getProperty();
            Class<?> type = failure.getTarget().getType().resolve(Object.class);
            return failure.getName() + " must be " + what(type)
                    + (given == null ? "" : "; given: \"" + given.getValue() + "\"");
        }

        private static String what(Class<?> type) {
            if (type.isEnum()) {
                StringBuilder words = new StringBuilder("one of");
                for (Object constant : type.getEnumConstants()) {
                    words.append(' ')
                            .append(constant.toString().toLowerCase(Locale.ROOT))
                            .append(',');
                }
                return words.substring(0, words.length() - 1);
            }
            return switch (type.getSimpleName()) {
                case "int", "Integer", "long", "Long" -> "a whole number";
                case "boolean", "Boolean" -> "true or false";
                case "Duration" -> "a time such as 500ms, 20s, 15m or 7d";
                case "DataSize" -> "a size such as 512MB or 8GB";
                default -> "a " + type.getSimpleName();
            };
        }
    }
}
