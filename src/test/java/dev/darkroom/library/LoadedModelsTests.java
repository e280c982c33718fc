package dev.darkroom.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.darkroom.library.LoadedModels.Readiness;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LoadedModelsTests {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final StubModel.Behaviour stub = new StubModel.Behaviour();

    @Test
    void modelsAreLoadedBesideTheThreadThatAsks() {
        stub.loadTime = Duration.ofMillis(300);
        try (LoadedModels models = models(Long.MAX_VALUE, "a", "b")) {
            assertThat(models.prepare("a", Set.of())).isEqualTo(Readiness.LOADING);
            assertThat(models.prepare("b", Set.of())).as("one at a time").isEqualTo(Readiness.LOADING);
            awaitReady(models, "a");
            assertThat(models.open("a").info().id()).isEqualTo("a");
            awaitReady(models, "b");
            assertThat(stub.loaded).hasValue(2);
        }
        assertThat(stub.loaded).hasValue(0);
    }

    @Test
    void thoseNotUsedForLongestAreLetGoForOthers() {
        stub.modelBytes = 10;
        try (LoadedModels models = models(25, "a", "b", "c")) {
            awaitReady(models, "a");
            awaitReady(models, "b");
            models.open("a");
            awaitReady(models, "c");
            assertThat(stub.loaded).hasValue(2);
            assertThat(models.prepare("a", Set.of())).as("used after b").isEqualTo(Readiness.READY);
            assertThat(models.prepare("b", Set.of("a", "c"))).isEqualTo(Readiness.WANTS_ROOM);
            assertThat(models.prepare("b", Set.of("a"))).isEqualTo(Readiness.LOADING);
            awaitReady(models, "b");
            assertThat(models.prepare("c", Set.of("a", "b"))).isEqualTo(Readiness.WANTS_ROOM);
        }
    }

    @Test
    void aModelThatIsTooLargeIsLoadedAlone() {
        stub.modelBytes = 100;
        try (LoadedModels models = models(25, "a", "b")) {
            awaitReady(models, "a");
            assertThat(models.prepare("b", Set.of("a"))).isEqualTo(Readiness.WANTS_ROOM);
            awaitReady(models, "b");
            assertThat(stub.loaded).hasValue(1);
        }
    }

    @Test
    void aModelThatCannotBeLoadedSaysSoToWhoAsksAndCanBeTriedAgain() {
        stub.loadFailure.set(new IllegalStateException("its files are gone"));
        try (LoadedModels models = models(Long.MAX_VALUE, "a")) {
            assertThat(models.prepare("a", Set.of())).isEqualTo(Readiness.LOADING);
            assertThatThrownBy(() -> models.open("a")).hasMessage("its files are gone");
            awaitReady(models, "a");
        }
    }

    private static void awaitReady(LoadedModels models, String id) {
        await().atMost(LONG)
                .pollInterval(Duration.ofMillis(5))
                .pollInSameThread()
                .until(() -> models.prepare(id, Set.of()) == Readiness.READY);
    }

    private LoadedModels models(long budget, String... ids) {
        return StubModel.library(stub, List.of("cpu"), budget, ids).on("cpu");
    }
}
