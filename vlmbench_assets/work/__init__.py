"""What the stages do: functions over tables that know nothing of Dagster."""
