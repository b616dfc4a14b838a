from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        from feeds import policy
        from generation import checks, holdings, safety
        from generation.models import Generation
        from pollweb.accounts import quota
        from pollweb.accounts.holdings import hold

        assert checks
        policy.judges.append(lambda text: bool(safety.categories(text)))
        quota.counted_among = Generation.objects.succeeded_among
        hold(self.name, holdings.HOLDING)
