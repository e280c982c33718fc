package dev.darkroom;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.junit.jupiter.api.Test;
import org.springframework.modulith.core.ApplicationModules;

/** The table of modules in {@code docs/decisions.md}: who may use whom, and where the outside world is let in. */
class ModularityTests {
    private static final JavaClasses CLASSES =
            new ClassFileImporter().withImportOption(new DoNotIncludeTests()).importPackages("dev.darkroom");

    @Test
    void modulesUseOnlyWhatTheirPackageDeclares() {
        ApplicationModules.of(Darkroom.class).verify();
    }

    @Test
    void djlIsUsedOnlyInModelPipelineAndTrainer() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..model..", "..pipeline..", "..trainer..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("ai.djl..")
                .check(CLASSES);
    }

    @Test
    void sqlIsUsedOnlyInJobAndAccess() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..job..", "..access..")
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
    void theAwsSdkIsUsedOnlyInJob() {
        noClasses()
                .that()
                .resideOutsideOfPackage("..job..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("software.amazon.awssdk..")
                .check(CLASSES);
    }

    @Test
    void springIsUsedOnlyInApiWorkerJobAndAccess() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.darkroom", "..api..", "..worker..", "..job..", "..access..")
                .and()
                .haveSimpleNameNotEndingWith("package-info")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(CLASSES);
    }

    @Test
    void samplingAndSpecArePlainJava() {
        noClasses()
                .that()
                .resideInAnyPackage("..sampling..", "..spec..")
                .and()
                .haveSimpleNameNotEndingWith("package-info")
                .should()
                .dependOnClassesThat()
                .resideOutsideOfPackages(
                        "java..",
                        "dev.darkroom.sampling..",
                        "dev.darkroom.spec..",
                        "org.jspecify..",
                        "org.apache.commons.statistics..")
                .check(CLASSES);
    }
}
