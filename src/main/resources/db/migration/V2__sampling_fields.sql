-- Jobs from before clip_skip, guidance_rescale, timesteps and sigmas: their specs end in "}" and get the values that
-- change nothing.
update job
set spec = substring(spec, 1, char_length(spec) - 1)
    || ',"clipSkip":0,"guidanceRescale":0.0,"timesteps":[],"sigmas":[]}';
