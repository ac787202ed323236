-- Health of a ScoringService for Argo CD.
--
-- Degraded is what waiting will not cure, as for Flux and Helm: the condition Stalled. Anything else
-- that is not Ready is Progressing, and its reason is in the message.
local health = { status = "Progressing", message = "waiting for the operator" }

if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "waiting for the operator to see the change"
  return health
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local ready = conditions.Ready
if ready ~= nil then
  health.message = ready.reason .. ": " .. ready.message
end

if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  health.status = "Degraded"
elseif ready ~= nil and ready.status == "True" then
  health.status = ready.reason == "Suspended" and "Suspended" or "Healthy"
end
return health
