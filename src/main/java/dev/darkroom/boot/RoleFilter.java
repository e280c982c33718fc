package dev.darkroom.boot;

import java.util.Locale;
import org.springframework.context.EnvironmentAware;
import org.springframework.core.env.Environment;
import org.springframework.core.type.classreading.MetadataReader;
import org.springframework.core.type.classreading.MetadataReaderFactory;
import org.springframework.core.type.filter.TypeFilter;

/** Matches the classes of the module that a process of this role ({@code darkroom.role}) does without. */
public final class RoleFilter implements TypeFilter, EnvironmentAware {

    private String unused = "";

    @Override
    public void setEnvironment(Environment environment) {
        unused = switch (environment.getProperty("darkroom.role", "all").toLowerCase(Locale.ROOT)) {
            case "api" -> "dev.darkroom.worker.";
            case "worker" -> "dev.darkroom.api.";
            default -> "";
        };
    }

    @Override
    public boolean match(MetadataReader candidate, MetadataReaderFactory readers) {
        return !unused.isEmpty() && candidate.getClassMetadata().getClassName().startsWith(unused);
    }
}
