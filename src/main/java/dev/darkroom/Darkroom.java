package dev.darkroom;

import dev.darkroom.boot.RoleFilter;
import dev.darkroom.cli.CommandLineInterface;
import dev.darkroom.cli.OwnProcess;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.FilterType;

/** The application: with a command it does that; without one it serves the HTTP API and runs the device workers. */
@SpringBootApplication
@ComponentScan(
        excludeFilters = {
            @ComponentScan.Filter(type = FilterType.CUSTOM, classes = RoleFilter.class),
            @ComponentScan.Filter(ManagementContextConfiguration.class)
        })
@ConfigurationPropertiesScan
public class Darkroom {

    public static void main(String[] args) {
        OwnProcess.restartInUtf8();
        // Spring's own arguments look like --server.port=80; -h, --help and --version are the command line's.
        boolean settingsOnly = true;
        for (String arg : args) {
            settingsOnly &= arg.startsWith("--") && arg.contains("=") || arg.equals("--debug");
        }
        if (settingsOnly) {
            SpringApplication.run(Darkroom.class, args);
        } else {
            OwnProcess.onSignal(status -> CommandLineInterface.betweenFiles(() -> OwnProcess.exit(status)));
            System.exit(CommandLineInterface.run(args));
        }
    }
}
