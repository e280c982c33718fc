package dev.darkroom.api.v1;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;

/** {@code /v1/models} as the OpenAPI document and Spring MVC read it. */
@RequestMapping(path = "/v1/models", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Models")
interface ModelsApi {

    @GetMapping
    @Operation(
            operationId = "listModels",
            summary = "The models that are served",
            description = "The default one first, each with its defaults and limits; in data as OpenAI's clients list"
                    + " models. None while no worker is ready.")
    ModelResponse.Listing list();

    @GetMapping("/{id}")
    @Operation(
            operationId = "getModel",
            summary = "A model, its defaults and its limits",
            description = "As long as a worker serves it.")
    ModelResponse get(@Parameter(description = "The model's id") @PathVariable String id);
}
