package dev.darkroom.api.v1;

import dev.darkroom.api.http.Problem;
import dev.darkroom.fleet.Models;
import dev.darkroom.request.ModelInfo;
import java.util.stream.Collectors;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/models}: what is served, with defaults and limits. */
@RestController
class ModelsController implements ModelsApi {

    private final Models models;

    ModelsController(Models models) {
        this.models = models;
    }

    @Override
    public ModelResponse.Listing list() {
        return ModelResponse.Listing.of(models.all());
    }

    @Override
    public ModelResponse get(String id) {
        return models.find(id)
                .map(ModelResponse::of)
                .orElseThrow(() -> new Problem(
                        Problem.Code.MODEL_NOT_FOUND,
                        "there is no model " + id + "; there are: "
                                + models.all().stream().map(ModelInfo::id).collect(Collectors.joining(", "))));
    }
}
