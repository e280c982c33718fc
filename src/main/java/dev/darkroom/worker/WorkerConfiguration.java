package dev.darkroom.worker;

import dev.darkroom.pipeline.ModelLibrary;
import java.util.function.Supplier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class WorkerConfiguration {
    @Bean
    Supplier<ModelLibrary> modelLibrary(WorkerSettings settings) {
        return () ->
                new ModelLibrary(settings.modelsFolder(), settings.cache(), settings.devices(), settings.modelBytes());
    }
}
