package dev.darkroom;

import dev.darkroom.library.ModelLibrary;
import dev.darkroom.library.StubModel;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Primary;
import org.springframework.core.env.Environment;

/**
 * The whole service with {@link StubModel}s in place of checkpoints, for tests of the machinery: a process of its own by {@link
 * #main}, or within a test by {@code @SpringBootTest(classes = {Darkroom.class, StubServer.class})}. Not annotated, so that
 * scanning the class path does not find it.
 */
public final class StubServer {

    /**
     * @param args those of the service, {@code --stub.step-time} of one U-Net call, for example {@code 20ms}, {@code
     *     --stub.encode-time} and {@code --stub.decode-time}
     */
    public static void main(String[] args) {
        run(args);
    }

    static ConfigurableApplicationContext run(String... args) {
        return SpringApplication.run(new Class<?>[] {Darkroom.class, StubServer.class}, args);
    }

    @Bean
    StubModel.Behaviour behaviour(Environment environment) {
        StubModel.Behaviour behaviour = new StubModel.Behaviour();
        behaviour.stepTime = environment.getProperty("stub.step-time", Duration.class, behaviour.stepTime);
        behaviour.encodeTime = environment.getProperty("stub.encode-time", Duration.class, behaviour.encodeTime);
        behaviour.decodeTime = environment.getProperty("stub.decode-time", Duration.class, behaviour.decodeTime);
        return behaviour;
    }

    @Bean
    @Primary
    Supplier<ModelLibrary> stubModels(StubModel.Behaviour behaviour, Environment environment) {
        List<String> devices = Binder.get(environment)
                .bind("darkroom.devices", Bindable.listOf(String.class))
                .orElse(List.of("cpu"));
        return () -> StubModel.library(behaviour, devices, "stub", "other", "third");
    }
}
