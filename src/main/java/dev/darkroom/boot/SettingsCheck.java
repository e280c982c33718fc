package dev.darkroom.boot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.context.EnvironmentAware;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.stereotype.Component;

/**
 * Ends the start at a setting {@code darkroom.…} that there is not: Spring would ignore it. The settings are the components of the
 * records that are bound to {@code darkroom}.
 */
@Component
final class SettingsCheck implements BeanFactoryPostProcessor, EnvironmentAware {
    private static final String PREFIX = "darkroom";

    /** What Kubernetes and Docker set in every container where there is a service of our name. */
    private static final Pattern SERVICE = Pattern.compile(
            "DARKROOM(_.*)?_(SERVICE_(HOST|PORT)(_.*)?|PORT(_\\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)|DARKROOM_PORT");

    @SuppressWarnings("NullAway.Init")
    private Environment environment;

    @Override
    public void setEnvironment(Environment environment) {
        this.environment = environment;
    }

    /** There is no setting of this name. */
    static final class UnknownSetting extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        UnknownSetting(String message) {
            super(message);
        }
    }

    @Override
    public void postProcessBeanFactory(ConfigurableListableBeanFactory beans) {
        Map<String, String> known = new TreeMap<>();
        for (String name : beans.getBeanNamesForAnnotation(ConfigurationProperties.class)) {
            Class<?> type = beans.getType(name);
            ConfigurationProperties bound = beans.findAnnotationOnBean(name, ConfigurationProperties.class);
            if (type != null
                    && type.isRecord()
                    && bound != null
                    && bound.value().equals(PREFIX)) {
                components(PREFIX, type).forEach(setting -> known.put(letters(setting), setting));
            }
        }
        ConfigurationPropertySources.get(environment).forEach(source -> {
            if (source instanceof IterableConfigurationPropertySource named) {
                boolean variables = named.getUnderlyingSource() instanceof SystemEnvironmentPropertySource;
                for (ConfigurationPropertyName name : named) {
                    if (!name.isEmpty()
                            && name.getElement(0, ConfigurationPropertyName.Form.UNIFORM)
                                    .equals(PREFIX)) {
                        check(name, variables, known);
                    }
                }
            }
        });
    }

    private static List<String> components(String prefix, Class<?> type) {
        List<String> all = new ArrayList<>();
        Arrays.stream(type.getRecordComponents()).forEach(component -> {
            String name = prefix + "."
                    + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
            if (component.getType().isRecord() && component.getType().getEnclosingClass() == type) {
                all.addAll(components(name, component.getType()));
            } else {
                all.add(name);
            }
        });
        return all;
    }

    private static void check(ConfigurationPropertyName name, boolean variable, Map<String, String> known) {
        String given = name.toString();
        // DARKROOM_MAX_ROWS is darkroom.max.rows to Spring, and DARKROOM_DEVICES_0 an element of a list.
        if (known.containsKey(letters(given.replaceAll("\\[\\d+]$", "")))) {
            return;
        }
        String written = given;
        if (variable) {
            written = String.join("_", given.toUpperCase(Locale.ROOT).split("[.\\[\\]-]+"));
            if (SERVICE.matcher(written).matches() || written.equals("DARKROOM")) {
                return;
            }
        }
        String nearest = nearest(letters(given), known);
        throw new UnknownSetting("there is no setting " + written
                + (nearest.isEmpty()
                        ? "; there are " + String.join(", ", known.values())
                        : "; did you mean " + (variable ? variable(nearest) : nearest) + "?"));
    }

    private static String variable(String setting) {
        return setting.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
    }

    /** Spring takes {@code max-rows}, {@code maxRows} and {@code MAX_ROWS} for the same. */
    private static String letters(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    private static String nearest(String letters, Map<String, String> known) {
        Collection<String> names = known.keySet();
        return names.stream()
                .filter(name -> distance(letters, name) <= Math.max(1, (name.length() - PREFIX.length()) / 3))
                .min(Comparator.comparingInt(name -> distance(letters, name)))
                .map(known::get)
                .orElse("");
    }

    /** Levenshtein's. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                row[j] = Math.min(
                        Math.min(row[j], row[j - 1]) + 1, diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
