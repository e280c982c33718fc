package dev.darkroom.worker;

import dev.darkroom.library.ModelLibrary;
import dev.darkroom.pipeline.Devices;
import java.util.function.Supplier;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class WorkerConfiguration {
    /** A device that is not there ends the start: this process would otherwise never draw, or be many times slower than it should. */
    @Bean
    Supplier<ModelLibrary> modelLibrary(WorkerSettings settings) {
        try {
            Devices.check(settings.devices());
        } catch (IllegalArgumentException e) {
            throw new InvalidConfigurationPropertyValueException(
                    "darkroom.devices", String.join(",", settings.devices()), String.valueOf(e.getMessage()));
        }
        return () ->
                new ModelLibrary(settings.modelsFolder(), settings.cache(), settings.devices(), settings.modelBytes());
    }
}
