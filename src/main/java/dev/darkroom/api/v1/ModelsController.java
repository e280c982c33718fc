package dev.darkroom.api.v1;

import dev.darkroom.api.http.Problem;
import dev.darkroom.fleet.Models;
import dev.darkroom.request.ModelInfo;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.stream.Collectors;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/models}: what is served, with defaults and limits. */
@RestController
@RequestMapping(path = "/v1/models", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Models")
class ModelsController {

    private final Models models;

    ModelsController(Models models) {
        this.models = models;
    }

    @GetMapping
    @Operation(
            operationId = "listModels",
            summary = "The models that are served",
            description = "The default one first, each with its defaults and limits; in data as OpenAI's clients list"
                    + " models. None while no worker is ready.")
    ModelResponse.Listing list() {
        return ModelResponse.Listing.of(models.all());
    }

    @GetMapping("/{id}")
    @Operation(
            operationId = "getModel",
            summary = "A model, its defaults and its limits",
            description = "As long as a worker serves it.")
    ModelResponse get(@Parameter(description = "The model's id") @PathVariable String id) {
        return models.find(id)
                .map(ModelResponse::of)
                .orElseThrow(() -> new Problem(
                        Problem.Code.MODEL_NOT_FOUND,
                        "there is no model " + id + "; there are: "
                                + models.all().stream().map(ModelInfo::id).collect(Collectors.joining(", "))));
    }
}
