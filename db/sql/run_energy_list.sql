select run_id, energy_kwh, emissions_kg, duration_seconds, country, is_estimated, num_corrections
from run_energy
order by run_id desc
