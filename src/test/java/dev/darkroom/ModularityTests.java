package dev.darkroom;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.junit.jupiter.api.Test;
import org.springframework.modulith.core.ApplicationModules;

/** The table of modules in {@code docs/architecture.md}: who may use whom, and where the outside world is let in. */
class ModularityTests {
    private static final JavaClasses CLASSES =
            new ClassFileImporter().withImportOption(new DoNotIncludeTests()).importPackages("dev.darkroom");

    @Test
    void modulesUseOnlyWhatTheirPackageDeclares() {
        ApplicationModules.of(Darkroom.class).verify();
    }

    @Test
    void thePartsOfTheApiHaveNoCircle() {
        slices().matching("dev.darkroom.api.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void djlIsUsedOnlyInProgramNetsPipelineLibraryAndTrainer() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..program..", "..nets..", "..pipeline..", "..library..", "..trainer..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("ai.djl..")
                .check(CLASSES);
    }

    @Test
    void sqlIsUsedOnlyWhereRowsLive() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..job..", "..access..", "..fleet..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.sql..", "javax.sql..", "org.springframework.jdbc..", "com.github.kagkarlsson..")
                .check(CLASSES);
    }

    @Test
    void otherServersAreAskedOnlyInHub() {
        noClasses()
                .that()
                .resideOutsideOfPackage("..hub..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http..")
                .check(CLASSES);
    }

    @Test
    void theAwsSdkIsUsedOnlyInBlobs() {
        noClasses()
                .that()
                .resideOutsideOfPackage("..blobs..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("software.amazon.awssdk..")
                .check(CLASSES);
    }

    @Test
    void springIsUsedOnlyWhereAServerIs() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.darkroom",
                        "..boot..",
                        "..api..",
                        "..worker..",
                        "..job..",
                        "..fleet..",
                        "..access..",
                        "..blobs..",
                        "..observe..")
                .and()
                .haveSimpleNameNotEndingWith("package-info")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(CLASSES);
    }

    @Test
    void samplingAndRequestsArePlainJavaButForTheNamesAndDescriptionsOfFields() {
        noClasses()
                .that()
                .resideInAnyPackage("..sampling..", "..request..")
                .and()
                .haveSimpleNameNotEndingWith("package-info")
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages(
                        "java..",
                        "dev.darkroom.sampling..",
                        "dev.darkroom.request..",
                        "tools.jackson..", // of the one reader of requests in rows
                        "com.fasterxml.jackson.annotation..",
                        "io.swagger.v3.oas.annotations..",
                        "org.jspecify..",
                        "org.apache.commons.statistics..")
                .check(CLASSES);
    }
}
